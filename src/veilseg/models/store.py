"""Models as folders: config.json and model.safetensors, the Hub's layout. Nothing is ever unpickled."""

from __future__ import annotations

import copy
import tempfile
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from veilseg.errors import InvalidModelError
from veilseg.files import make_folder, refuse_existing, write_atomic
from veilseg.modelconfig import CONFIG_NAME, HUB_ID, WEIGHTS_NAME, ModelConfig, shipped_models
from veilseg.modelfolder import open_folder
from veilseg.models.base import SegmentationModel
from veilseg.models.registry import NETWORKS, model_from_config

_FETCHED = ["*config.json", "*.safetensors", "*.safetensors.index.json"]  # no pickle, no code


def save_model(model: SegmentationModel, folder: str | Path, *, overwrite: bool = False, half: bool = False) -> None:
    """Write `model` to `folder` (made if missing) as config.json and model.safetensors, normalization folded.

    Each file appears whole or not at all, the config last. Existing files are replaced only with `overwrite`. `half`
    stores matrices and kernels as float16, half the size; load_model gives float32 again.
    """
    if model.config.architecture not in NETWORKS:
        raise InvalidModelError(
            f"a model of {model.config.architecture} is saved by its own library",
            "`veilseg encrypt-model FOLDER` writes the encrypted folder",
        )
    target = Path(folder)
    make_folder(target)
    for name in (WEIGHTS_NAME, CONFIG_NAME):
        refuse_existing(target / name, overwrite=overwrite)
    folded = copy.deepcopy(model)
    folded.fold_normalization()
    # Clones, because safetensors refuses tensors that share memory.
    tensors = {name: tensor.detach().cpu().clone().contiguous() for name, tensor in folded.state_dict().items()}
    if half:  # vectors stay: statistics of batch normalization on raw pixels exceed float16's range
        tensors = {name: tensor.half() if tensor.ndim > 1 else tensor for name, tensor in tensors.items()}
    write_atomic(target / WEIGHTS_NAME, save(tensors, metadata={"format": "pt"}), overwrite=overwrite)
    write_atomic(target / CONFIG_NAME, model.config.to_json().encode(), overwrite=overwrite)


def load_model(source: str | Path = "default") -> SegmentationModel:
    """The model in a folder, a shipped one by its name, or one on the Hugging Face Hub ("owner/name"), in eval mode.

    A folder of transformers' gives its segmentation network (see `veilseg.models.encryption.hf_network`).
    Raises InvalidModelError when
    there is none, when config or weights are damaged, or when they do not belong together.
    """
    folder = find_folder(source)
    if open_folder(folder).library == "transformers":
        from veilseg.models.encryption.hf_network import load_segmentation

        return load_segmentation(folder)
    config = ModelConfig.load(folder)
    path = folder / WEIGHTS_NAME
    if not path.is_file():
        raise InvalidModelError(
            f"{folder} has no {WEIGHTS_NAME}", "an exported model runs in veilseg.Segmenter; torch needs the original"
        )
    try:
        with safe_open(path, framework="pt") as file:
            shapes = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
            # Built without memory: a config that asks for more than the file holds costs none.
            with torch.device("meta"):
                model = model_from_config(config)
            _compare(model, shapes)
            tensors = {name: _single(file.get_tensor(name)) for name in shapes}
    except (SafetensorError, OSError) as error:
        raise InvalidModelError(f"{path} is damaged or no safetensors file", "download or save it again") from error
    model.load_state_dict(tensors, strict=True, assign=True)
    return model.eval()


def push_to_hub(model: SegmentationModel, repo_id: str, *, private: bool | None = None, **options: Any) -> str:
    """Upload `model` to the Hugging Face Hub and return the address; `options` go to upload_folder."""
    from huggingface_hub import HfApi

    api = HfApi()
    with tempfile.TemporaryDirectory() as folder:
        save_model(model, folder)
        api.create_repo(repo_id, private=private, exist_ok=True)
        options.setdefault("commit_message", "Upload a veilseg model")
        return str(api.upload_folder(repo_id=repo_id, folder_path=folder, **options))


def find_folder(source: str | Path) -> Path:
    """Where a model lies: a shipped one, a folder, or one fetched from the Hub. Raises InvalidModelError for none."""
    folder = shipped_models().get(str(source), Path(source).expanduser())
    if folder.is_dir():
        return folder
    if isinstance(source, str) and HUB_ID.fullmatch(source) and not folder.exists():
        return _download(source)
    raise InvalidModelError(
        f"there is no model at {source}", "give a folder with config.json and model.safetensors, or a Hub id"
    )


def _download(repo_id: str) -> Path:
    try:
        from huggingface_hub import snapshot_download

        return Path(snapshot_download(repo_id, allow_patterns=_FETCHED))
    except Exception as error:  # the Hub's client raises its own, requests' and httpx's errors
        raise InvalidModelError(
            f"there is no folder {repo_id}, and the Hub gave nothing by that name ({type(error).__name__})",
            "check the name and the network",
        ) from error


def _single(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.float() if tensor.is_floating_point() else tensor


def _compare(model: SegmentationModel, found: dict[str, tuple[int, ...]]) -> None:
    """Refuse weights that are not exactly those the config asks for."""
    wanted = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    for names, what in ((wanted.keys() - found.keys(), "lacks"), (found.keys() - wanted.keys(), "has unknown")):
        if names:
            listed = ", ".join(sorted(names)[:3]) + (", ..." if len(names) > 3 else "")
            raise InvalidModelError(
                f"{WEIGHTS_NAME} {what} {len(names)} tensors: {listed}", "config and weights belong together"
            )
    for name, shape in wanted.items():
        if found[name] != shape:
            raise InvalidModelError(
                f"{WEIGHTS_NAME}: {name} has shape {list(found[name])}, but the config asks for {list(shape)}",
                "config and weights belong together",
            )
