"""Which library a model's folder comes from, and how its images are encrypted: read from config.json, without torch."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from veilseg.errors import InvalidModelError
from veilseg.inputspec import InputSpec
from veilseg.modelconfig import CONFIG_NAME, ModelConfig

Library = Literal["veilseg", "transformers", "timm"]
_MAX_CONFIG = 16 * 1024 * 1024


@dataclass(frozen=True)
class ModelFolder:
    """A model's folder: `library` reads and writes it, `input` is the kind of image that it takes."""

    path: Path
    library: Library
    input: InputSpec


def open_folder(folder: str | Path) -> ModelFolder:
    """What the config.json in `folder` says. InvalidModelError where there is none, or no library known here wrote it."""
    path = Path(folder)
    data = _read(path / CONFIG_NAME)
    if "format" in data and "architecture" in data:
        return ModelFolder(path, "veilseg", ModelConfig.load(path).input)
    if isinstance(data.get("model_type"), str):
        return ModelFolder(path, "transformers", InputSpec.from_config(data))
    if isinstance(data.get("architecture"), str):
        return ModelFolder(path, "timm", InputSpec.from_config(data))
    raise InvalidModelError(
        f"{path / CONFIG_NAME} belongs to no library known here", "known are veilseg, transformers and timm"
    )


def _read(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > _MAX_CONFIG:
            raise InvalidModelError(f"{path} is too long for a model's config")
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidModelError(
            f"no readable {CONFIG_NAME} in {path.parent}", "give the folder that a model was saved to"
        ) from error
    except ValueError as error:
        raise InvalidModelError(f"{path} is not JSON") from error
    if not isinstance(data, dict):
        raise InvalidModelError(f"{path} is not a JSON object")
    return data
