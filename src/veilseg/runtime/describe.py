"""What a model folder holds, as facts for people and programs: read from its files, without torch."""

from __future__ import annotations

import json
import math
import re
import struct
from pathlib import Path
from typing import Any

from veilseg.cells import cells_at
from veilseg.errors import InvalidModelError
from veilseg.files import read_limited
from veilseg.inputspec import InputSpec
from veilseg.modelconfig import WEIGHTS_NAME, ModelConfig, shipped_models
from veilseg.modelfolder import local_folder, no_model, open_folder

_MAX_HEADER = 100 << 20  # bytes of a safetensors header, its own limit
_MAX_CARD = 1 << 20
_STATISTICS = ("running_mean", "running_var", "num_batches_tracked")  # kept by batch normalization, not trained
_LICENCE = re.compile(r"^licen[sc]e:\s*(.+)$", re.MULTILINE | re.IGNORECASE)


def describe_model(name: str | Path) -> dict[str, Any]:
    """The facts of a shipped model, or of the folder `name`, that are known.

    {"model", "library", "network", "arguments", "parameters", "classes", "reads", "encrypted", "working_size",
    "figures", "files", "licence", ...}. Raises InvalidModelError where there is no model, or its files are damaged.
    """
    folder = local_folder(name)
    if folder is None:
        raise no_model(name)
    found = open_folder(folder)
    files = {path.name: path.stat().st_size for path in sorted(folder.iterdir()) if path.is_file()}
    return {
        "model": str(name),
        "library": found.library,
        **({} if found.config is None else _network(found.config)),
        "parameters": count_parameters(folder / WEIGHTS_NAME) if WEIGHTS_NAME in files else None,
        **_input(found.input),
        **({} if found.config is None else _use(found.config)),
        "files": {file: size for file, size in files.items() if not file.startswith(".")},
        "licence": _licence(folder),
    }


def count_parameters(path: Path) -> int:
    """The trained values in a safetensors file, by its header alone. Raises InvalidModelError for a damaged one."""
    try:
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            if length > _MAX_HEADER:
                raise ValueError
            header = json.loads(file.read(length))
        header.pop("__metadata__", None)
        shapes = [row["shape"] for tensor, row in header.items() if not tensor.endswith(_STATISTICS)]
        return sum(math.prod(shape) for shape in shapes)
    except (OSError, ValueError, TypeError, KeyError, AttributeError, struct.error, RecursionError) as error:
        raise InvalidModelError(f"{path} is damaged or no safetensors file", "download or save it again") from error


def _network(config: ModelConfig) -> dict[str, Any]:
    return {
        "network": config.architecture,
        "arguments": {name: value for name, value in config.arguments.items() if value is not None},
        "classes": list(config.classes),
    }


def _input(spec: InputSpec) -> dict[str, Any]:
    """Which images it reads, and whether it is of use without a key."""
    encryption = spec.encryption
    if encryption is None:
        return {"reads": "plain images", "encrypted": "no: whoever has the files can use it"}
    keyed = f"for the key of fingerprint {spec.key_fingerprint}"
    encrypted = "yes, " + keyed if encryption.facts.family == "model key" else "no: whoever has the files can use it"
    if spec.keyed and encryption.facts.family != "model key":
        encrypted = f"no, but trained {keyed}"
    return {"reads": str(encryption), "accepts": list(encryption.facts.accepts), "encrypted": encrypted}


def _use(config: ModelConfig) -> dict[str, Any]:
    spec, made = config.input.encryption, config.training
    cells = None if spec is None else cells_at(spec, config.longer_side)
    figures = {name: made[f"val_{name.lower()}"] for name in ("aAcc", "mIoU", "mAcc") if f"val_{name.lower()}" in made}
    data = _part(made, "recipe", "data")
    sources = [row.get("source") for row in data.get("train", ()) if isinstance(row, dict)]
    start = _part(made, "recipe", "method").get("start")
    return {
        "working_size": config.longer_side,
        "size_multiple": config.size_multiple,
        **({} if cells is None else {"cells": cells}),
        **({} if spec is None else {"gives_away": spec.visible}),
        "figures": figures or None,
        **({"measured_on": _part(data, "val").get("source")} if figures else {}),
        **({"trained_on": sources, "steps": made.get("steps")} if sources else {}),
        **({"started_from": start} if start else {}),
    }


def _part(values: Any, *names: str) -> dict[str, Any]:
    """A mapping inside mappings, empty where there is none: a model's facts about its training may be anything."""
    for name in names:
        values = values.get(name) if isinstance(values, dict) else None
    return values if isinstance(values, dict) else {}


def _licence(folder: Path) -> str | None:
    """What the folder says of it: a file of that name, or the card's first lines."""
    if folder in shipped_models().values():
        return "Apache-2.0, as veilseg itself"
    named = [
        path.name for path in sorted(folder.iterdir()) if re.match(r"licen[sc]e|copying", path.name, re.IGNORECASE)
    ]
    if named:
        return f"see {named[0]}"
    card = folder / "README.md"
    if not card.is_file():
        return None
    found = _LICENCE.search(read_limited(card, _MAX_CARD).decode("utf-8", "replace"))
    return found[1].strip() if found else None
