"""Pretrained weights for a timm backbone: from a local safetensors file, or timm's own from the network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from veilseg.errors import InvalidModelError

_HINT = "save timm's state dict with safetensors.torch.save_file"
_RESAMPLED = ("patch_embed.proj.weight", "pos_embed")  # to the model's patch and grid, by timm


def create_pretrained(name: str, weights: str | Path | None, **arguments: Any) -> Any:
    """A timm model with the weights of the safetensors file `weights`; None: timm's own, from the network.

    timm resamples them to the patch and to the grid of positions that the model asks for. Where `arguments` have no
    `img_size`, the positions keep the grid of the weights, whatever the patch: they are interpolated when an image is
    read, so shrinking them first only loses detail.

    Raises:
        InvalidModelError: The file cannot be read, or is that of another model.
    """
    import timm

    if "patch_size" in arguments and "img_size" not in arguments:
        grid = _empty(name, arguments).patch_embed.grid_size
        arguments["img_size"] = tuple(side * arguments["patch_size"] for side in grid)
    if weights is None:
        return timm.create_model(name, pretrained=True, **arguments)
    found = _fitting(read_weights(weights), _empty(name, arguments), Path(weights).name)
    overlay = {"state_dict": found}
    try:
        model: Any = timm.create_model(name, pretrained=True, pretrained_cfg_overlay=overlay, **arguments)
    except (RuntimeError, ValueError) as error:
        raise InvalidModelError(f"the weights in {Path(weights).name} do not fit {name}", _HINT) from error
    model.pretrained_cfg["state_dict"] = None  # it would be kept, and copied with the model
    return model


def read_weights(path: str | Path) -> dict[str, Tensor]:
    """A state dict from a safetensors file, in float32. Nothing is ever unpickled.

    Raises:
        InvalidModelError: The file is missing, damaged, or of another kind, such as a pickle.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    if not Path(path).is_file():
        raise InvalidModelError(f"there is no file {path} with weights", _HINT)
    try:
        tensors = load_file(path)
    except SafetensorError as error:
        raise InvalidModelError(f"{path} is no safetensors file, the only kind of weights read here", _HINT) from error
    return {name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in tensors.items()}


def _empty(name: str, arguments: dict[str, Any]) -> Any:
    """The timm model without memory, of the patch and the grid that its weights were made for."""
    import timm

    own = {key: value for key, value in arguments.items() if key not in ("patch_size", "img_size")}
    with torch.device("meta"):
        return timm.create_model(name, **own)


def _fitting(tensors: dict[str, Tensor], model: nn.Module, file: str) -> dict[str, Tensor]:
    """Those of `tensors` that `model` has; a classifier's are left out. Any other difference is refused."""
    wanted = model.state_dict()
    unknown = {name for name in tensors.keys() - wanted.keys() if not name.startswith(("head", "fc_norm"))}
    for names, what in ((wanted.keys() - tensors.keys(), "lacks"), (unknown, "has unknown")):
        if names:
            listed = ", ".join(sorted(names)[:3]) + (", ..." if len(names) > 3 else "")
            raise InvalidModelError(f"{file} {what} {len(names)} tensors: {listed}", "name the backbone they are of")
    for name, tensor in wanted.items():
        if name not in _RESAMPLED and tensors[name].shape != tensor.shape:
            raise InvalidModelError(
                f"{file}: {name} has shape {list(tensors[name].shape)}, but the backbone has {list(tensor.shape)}",
                "name the backbone they are of",
            )
    return {name: tensors[name] for name in wanted}
