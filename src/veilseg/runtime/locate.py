"""From what a person calls a model to its config and its weights: a shipped name, a folder, a Hub id."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from veilseg.errors import InvalidModelError, UsageError
from veilseg.modelconfig import HUB_ID, ONNX_NAME, WEIGHTS_NAME, ModelConfig, shipped_models
from veilseg.modelfolder import open_folder

EngineName = Literal["onnx", "torch"]


@dataclass(frozen=True)
class FoundModel:
    """A model that can be run: its config and where its weights are.

    `folder` is None for a model on the Hub; `config` too, and for a folder of transformers', which torch reads.
    """

    name: str
    engine: EngineName
    folder: Path | None
    config: ModelConfig | None


def find_model(name: str | Path, engine: str | None = None) -> FoundModel:
    """The model called `name`: a shipped one, a folder with config.json and weights, or a Hub id like "owner/model".

    `engine` None takes model.onnx where there is one, else model.safetensors by torch. Raises UsageError for an unknown
    engine, InvalidModelError when there is no such model or it lacks the weights that `engine` needs.
    """
    if engine not in (None, "onnx", "torch"):
        raise UsageError(f"there is no engine {engine!r}", hint="onnx or torch")
    shipped = shipped_models()
    folder = shipped.get(str(name), Path(name).expanduser())
    if not folder.is_dir():
        if HUB_ID.fullmatch(str(name)) and engine != "onnx":
            return FoundModel(str(name), "torch", None, None)
        known = f"shipped: {', '.join(shipped)}; or" if shipped else "give"
        raise InvalidModelError(
            f"there is no model {str(name)!r}", hint=f"{known} a folder with config.json and model.onnx"
        )
    if open_folder(folder).library == "transformers":
        if engine == "onnx":
            raise InvalidModelError(f"{folder} is a model of transformers, which runs in torch", "use engine 'torch'")
        return FoundModel(str(name), "torch", folder, None)
    config = ModelConfig.load(folder)
    has_onnx, has_torch = (folder / ONNX_NAME).is_file(), (folder / WEIGHTS_NAME).is_file()
    if has_onnx and engine != "torch":
        return FoundModel(str(name), "onnx", folder, config)
    if has_torch and engine != "onnx":
        return FoundModel(str(name), "torch", folder, config)
    if has_onnx or has_torch:
        raise InvalidModelError(
            f"{folder} has no weights for {engine}",
            hint="veilseg export makes a model.onnx of it" if has_torch else "use engine 'onnx'",
        )
    raise InvalidModelError(
        f"{folder} holds no weights", hint=f"expected {ONNX_NAME} or {WEIGHTS_NAME} beside config.json"
    )
