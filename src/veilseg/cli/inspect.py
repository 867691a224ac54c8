"""`veilseg inspect`: what an encrypted image or a model says about itself, and what an image gives away."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from veilseg.cells import describe_cells
from veilseg.cli.common import print_table

if TYPE_CHECKING:
    from veilseg.header import Header


def command(
    target: Annotated[
        str,
        typer.Argument(
            metavar="IMAGE|MODEL",
            help="An encrypted image (- reads stdin), a model's folder, or a shipped model's name.",
            show_default=False,
        ),
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Print the public header of an encrypted image and say what the file gives away; or describe a model.

    Of a model: network, parameters, classes, which images it reads, working size, figures, files, licence.

    Examples:
      veilseg inspect encrypted.png
      veilseg inspect default
      veilseg inspect runs/mine --json
    """
    from veilseg.modelfolder import local_folder

    if target != "-" and not Path(target).is_file() and local_folder(target) is not None:
        from veilseg.runtime.describe import describe_model

        facts = describe_model(target)
    else:
        from veilseg.container import MAX_BYTES, decode
        from veilseg.files import read_limited

        data = read_limited(sys.stdin.buffer if target == "-" else target, MAX_BYTES)
        _, header = decode(data)
        facts = describe(header, len(data))
    if as_json:
        print(json.dumps(facts))
        return
    print_table((name.replace("_", " "), _text(value)) for name, value in facts.items())


def describe(header: Header, size: int) -> dict[str, Any]:
    """The header's fields that are set, the file's size in bytes, and what the catalogue says of the cipher."""
    facts, fingerprint = header.spec.facts, header.key_fingerprint
    cells = describe_cells(header.spec, header.height, header.width)
    return {
        **header.to_dict(),
        "bytes": size,
        "family": facts.family,
        "key": facts.key,
        "decrypts": f"with the key of fingerprint {fingerprint}" if fingerprint else "nobody: no key exists",
        **({} if cells is None else {"cells": cells}),
        "gives_away": header.spec.visible,
    }


def _text(value: object) -> str:
    if value is None:
        return "not stated"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if isinstance(value, dict):
        pairs = ((name, " ".join(map(str, each)) if isinstance(each, list) else each) for name, each in value.items())
        return ", ".join(f"{name} {_text(each)}" for name, each in pairs)
    return f"{value:,}" if isinstance(value, int) and value > 9999 else str(value)
