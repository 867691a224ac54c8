"""From what a person calls a model to its folder, its library and how its images are encrypted; no torch here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from veilseg.errors import InvalidModelError, UsageError
from veilseg.inputspec import InputSpec
from veilseg.modelconfig import CONFIG_NAME, HUB_ID, ONNX_NAME, WEIGHTS_NAME, ModelConfig, read_config, shipped_models

Library = Literal["veilseg", "transformers", "timm"]
#: Architectures, in a ModelConfig, of networks that other libraries have written.
FOREIGN = ("transformers", "timm")
EngineName = Literal["onnx", "torch"]
_FETCHED = ["*config.json", "*.safetensors", "*.safetensors.index.json"]  # no pickle, no code


@dataclass(frozen=True)
class ModelFolder:
    """A model's folder: `library` reads and writes it, `input` is the kind of image that it takes.

    `config` is that of a model of ours, None for another library's.
    """

    path: Path
    library: Library
    input: InputSpec
    config: ModelConfig | None = None


@dataclass(frozen=True)
class FoundModel:
    """A model that can be run: its config and where its weights are.

    `folder` is None for a model on the Hub; `config` too, and for another library's folder, which torch reads.
    """

    name: str
    engine: EngineName
    folder: Path | None
    config: ModelConfig | None


def local_folder(name: str | Path) -> Path | None:
    """The folder of a shipped model, or the folder given; None where there is none."""
    folder = shipped_models().get(str(name), Path(name).expanduser())
    return folder if folder.is_dir() else None


def find_folder(source: str | Path, **options: Any) -> Path:
    """The folder of a shipped model, the folder given, or that of a Hub id ("owner/name"), which is fetched.

    `options` go to huggingface_hub.snapshot_download (revision, token, ...). Raises InvalidModelError for none.
    """
    folder = local_folder(source)
    if folder is not None:
        return folder
    if not _is_hub_id(source):
        raise no_model(source)
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(str(source), allow_patterns=_FETCHED, **options))
    except Exception as error:  # the Hub's client raises its own, requests' and httpx's errors
        raise InvalidModelError(
            f"there is no folder {source}, and the Hub gave nothing by that name ({type(error).__name__})",
            "check the name and the network",
        ) from error


def open_folder(folder: str | Path) -> ModelFolder:
    """What the config.json in `folder` says.

    Raises InvalidModelError where there is none, or no library known here wrote it.
    """
    path = Path(folder)
    data = read_config(path)
    if "format" in data and "architecture" in data:
        config = ModelConfig.from_dict(data)
        return ModelFolder(path, "veilseg", config.input, config)
    if isinstance(data.get("model_type"), str):
        return ModelFolder(path, "transformers", InputSpec.from_config(data))
    if isinstance(data.get("architecture"), str):
        return ModelFolder(path, "timm", InputSpec.from_config(data))
    raise InvalidModelError(
        f"{path / CONFIG_NAME} belongs to no library known here", "known are veilseg, transformers and timm"
    )


def find_model(name: str | Path, engine: str | None = None) -> FoundModel:
    """The model called `name`: a shipped one, a folder with config.json and weights, or a Hub id like "owner/model".

    `engine` None takes model.onnx where there is one, else model.safetensors by torch. Raises UsageError for an unknown
    engine, InvalidModelError when there is no such model or it lacks the weights that `engine` needs.
    """
    if engine not in (None, "onnx", "torch"):
        raise UsageError(f"there is no engine {engine!r}", "onnx or torch")
    folder = local_folder(name)
    if folder is None:
        if _is_hub_id(name) and engine != "onnx":
            return FoundModel(str(name), "torch", None, None)
        raise no_model(name)
    found = open_folder(folder)
    if found.config is None:
        if engine == "onnx":
            raise InvalidModelError(
                f"{folder} is a model of {found.library}, which runs in torch",
                "use engine 'torch', or what veilseg export makes of it",
            )
        return FoundModel(str(name), "torch", folder, None)
    has_onnx, has_torch = (folder / ONNX_NAME).is_file(), (folder / WEIGHTS_NAME).is_file()
    if has_onnx and engine != "torch":
        return FoundModel(str(name), "onnx", folder, found.config)
    if has_torch and engine != "onnx":
        return FoundModel(str(name), "torch", folder, found.config)
    if has_onnx or has_torch:
        raise InvalidModelError(
            f"{folder} has no weights for {engine}",
            "veilseg export makes a model.onnx of it" if has_torch else "use engine 'onnx'",
        )
    raise InvalidModelError(f"{folder} holds no weights", f"expected {ONNX_NAME} or {WEIGHTS_NAME} beside config.json")


def no_model(name: str | Path) -> InvalidModelError:
    """The error for a name that is neither a shipped model's nor a folder's."""
    known = f"shipped: {', '.join(shipped)}; or" if (shipped := shipped_models()) else "give"
    hint = f"{known} a folder with config.json and its weights"
    if HUB_ID.fullmatch(str(name)) and Path(name).parent.is_dir():
        hint += f"; the Hub is not asked, as {Path(name).parent} is a folder here"
    return InvalidModelError(f"there is no model {str(name)!r}", hint)


def _is_hub_id(name: str | Path) -> bool:
    """Whether to ask the Hub: a name in a folder that is here is a mistake in a path, and no business of the Hub's."""
    return isinstance(name, str) and HUB_ID.fullmatch(name) is not None and not Path(name).parent.is_dir()
