"""model.safetensors: tensors by name. Nothing is ever unpickled."""

from __future__ import annotations

from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from veilseg.errors import InvalidModelError
from veilseg.files import write_atomic
from veilseg.modelconfig import WEIGHTS_NAME

_HINT = "config and weights belong together"


def write_weights(path: Path, state: dict[str, Tensor], *, overwrite: bool, half: bool) -> None:
    """Write a model's state whole or not at all; with `half` matrices and kernels as float16, half the size."""
    # Clones, because safetensors refuses tensors that share memory.
    tensors = {name: tensor.detach().cpu().clone().contiguous() for name, tensor in state.items()}
    if half:  # vectors stay: statistics of batch normalization on raw pixels exceed float16's range
        tensors = {name: tensor.half() if tensor.ndim > 1 else tensor for name, tensor in tensors.items()}
    write_atomic(path, save(tensors, metadata={"format": "pt"}), overwrite=overwrite)


def read_weights(path: Path, wanted: dict[str, tuple[int, ...]]) -> dict[str, Tensor]:
    """The tensors of a file, floating-point ones in float32.

    Raises InvalidModelError, before it reads one, unless they have exactly the names and shapes `wanted`, or where the
    file is damaged or missing.
    """
    if not path.is_file():
        raise InvalidModelError(
            f"{path.parent} has no {path.name}", "an exported model runs in veilseg.Segmenter; torch needs the original"
        )
    try:
        with safe_open(path, framework="pt") as file:
            names = list(file.keys())
            _compare(wanted, {name: tuple(file.get_slice(name).get_shape()) for name in names})
            return {name: _single(file.get_tensor(name)) for name in names}
    except (SafetensorError, OSError) as error:
        raise InvalidModelError(f"{path} is damaged or no safetensors file", "download or save it again") from error


def _single(tensor: Tensor) -> Tensor:
    return tensor.float() if tensor.is_floating_point() else tensor


def _compare(wanted: dict[str, tuple[int, ...]], found: dict[str, tuple[int, ...]]) -> None:
    for names, what in ((wanted.keys() - found.keys(), "lacks"), (found.keys() - wanted.keys(), "has unknown")):
        if names:
            listed = ", ".join(sorted(names)[:3]) + (", ..." if len(names) > 3 else "")
            raise InvalidModelError(f"{WEIGHTS_NAME} {what} {len(names)} tensors: {listed}", _HINT)
    for name, shape in wanted.items():
        if found[name] != shape:
            raise InvalidModelError(
                f"{WEIGHTS_NAME}: {name} has shape {list(found[name])}, but the config asks for {list(shape)}", _HINT
            )
