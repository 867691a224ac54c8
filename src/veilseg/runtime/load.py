"""From what a person passes as a model to what runs it: a name, a folder, a Hub id or a torch model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from veilseg.errors import InvalidModelError, UsageError
from veilseg.install import install_hint
from veilseg.modelconfig import ONNX_NAME, ModelConfig
from veilseg.modelfolder import find_model
from veilseg.runtime.engines import Engine, OnnxEngine, TorchEngine, is_torch_module, on_device
from veilseg.scale import Resize


@dataclass(frozen=True)
class LoadedModel:
    """A model ready to run; `to_working_size`: how its own library resizes photographs, where it has a say."""

    name: str
    config: ModelConfig
    engine: Engine
    to_working_size: Resize | None = None


def load(model: str | Path | Any, engine: str | None, threads: int | None, device: str) -> LoadedModel:
    """What `Segmenter` runs, by its arguments of these names. Raises as it does."""
    if is_torch_module(model):
        config = getattr(model, "config", None)
        if hasattr(config, "id2label"):  # a model of transformers
            from veilseg.models import as_segmentation

            wrapped = as_segmentation(cast("Any", model))
            return LoadedModel(type(model).__name__, wrapped.config, TorchEngine(wrapped, threads))
        if not isinstance(config, ModelConfig):
            raise InvalidModelError("this torch module does not say what it takes", hint="make it with create_model")
        if engine == "onnx":
            raise UsageError("a torch module does not run in ONNX Runtime", hint="export_onnx(model, folder) first")
        return LoadedModel(type(model).__name__, config, TorchEngine(model, threads))
    if not isinstance(model, str | Path):
        raise InvalidModelError(f"a {type(model).__name__} is no model", hint="give a name, a folder or a torch model")
    found = find_model(model, engine)
    if found.engine == "onnx":
        assert found.folder is not None
        assert found.config is not None
        return LoadedModel(found.name, found.config, OnnxEngine(found.folder / ONNX_NAME, threads, device))
    try:
        from veilseg.models import load_model
    except ImportError as error:
        raise InvalidModelError(
            f"{model} has only torch weights, and torch is missing", install_hint("train")
        ) from error
    loaded = load_model(str(found.folder or found.name))
    network = TorchEngine(on_device(loaded, device), threads)
    return LoadedModel(found.name, loaded.config, network, loaded.to_working_size)
