"""A network run on one image, whatever library it is from: at which size, with which other inputs, to which tensors."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from veilseg.errors import InvalidModelError
from veilseg.models.base import SegmentationModel

Array = NDArray[np.float32]
#: Sides in pixels that are tried where a network does not say its own.
_SIDES = (224, 64, 32, 96, 128, 256, 384, 512)
#: Attributes by which layers of timm and transformers say their image's size.
_SIZES = ("img_size", "image_size")
_TOKENS = 8


@dataclass
class Probe:
    """What a network did with one image.

    Attributes:
        answers: all its floating-point outputs, in their order.
        seen, embedded: what went into its stem and came out, [1, 3, H, W] and [1, D, h, w]; None where it did not run.
    """

    answers: list[Array] = field(default_factory=list)
    seen: Array | None = None
    embedded: Array | None = None


@torch.no_grad()
def run(model: nn.Module, image: NDArray[Any], stem: nn.Module | None = None) -> Probe:
    """`model` on one image [H, W, 3] of any type, in evaluation mode, its own precision and device; on the same luck.

    Raises what the network raises.
    """
    probe = Probe()
    weight = next(model.parameters())
    pixels = torch.from_numpy(np.asarray(image, np.float32)).permute(2, 0, 1)[None].to(weight.device, weight.dtype)

    def watch(_: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        if probe.seen is None:
            probe.seen, probe.embedded = _array(inputs[0]), _array(output)

    hook = None if stem is None else stem.register_forward_hook(watch)
    modes = [(part, part.training) for part in model.modules()]
    model.eval()
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            probe.answers = [_array(tensor) for tensor in _tensors(_call(model, pixels))]
    finally:
        for part, training in modes:
            part.training = training
        if hook is not None:
            hook.remove()
    return probe


def runnable(model: nn.Module) -> bool:
    """Whether there is anything to run: a container of layers (ModuleDict) has no forward."""
    return type(model).forward is not nn.Module.forward


def in_float32(model: nn.Module) -> nn.Module:
    """The model itself, or a copy in float32 where its numbers are coarser."""
    coarse = any(p.is_floating_point() and p.element_size() < 4 for p in model.parameters())
    return copy.deepcopy(model).float() if coarse else model


def image_size(model: nn.Module, multiple: int, take: Callable[[int, int], NDArray[Any]]) -> tuple[int, int]:
    """The first (H, W), multiples of `multiple`, at which `model` runs on `take(H, W)`, a plain image for it.

    Raises InvalidModelError, with the network's own words, where it runs at none.
    """
    first: Exception | None = None
    for height, width in dict.fromkeys(_sizes(model, multiple)):
        try:
            run(model, take(height, width))
        except Exception as error:  # networks raise what they like
            first = first or error
        else:
            return height, width
    raise InvalidModelError(
        f"this network does not run on an image alone ({type(first).__name__}: {str(first)[:120]}), so its encryption "
        "cannot be checked",
        "encrypt_model(..., verify=False) leaves the check to you",
    ) from first


def _sizes(model: nn.Module, multiple: int) -> Iterator[tuple[int, int]]:
    if isinstance(model, SegmentationModel) and model.config.architecture != "transformers":
        grid = max(multiple, model.config.size_multiple)
        yield 4 * grid, 6 * grid
    for part in model.modules():
        for value in (getattr(part, name, None) for name in _SIZES):
            pair = (value, value) if isinstance(value, int) else value
            if isinstance(pair, tuple | list) and len(pair) == 2 and all(_fits(side, multiple) for side in pair):
                yield int(pair[0]), int(pair[1])
    for side in _SIDES:
        if side % multiple == 0:
            yield side, side
    yield 4 * multiple, 4 * multiple


def _fits(side: object, multiple: int) -> bool:
    return isinstance(side, int) and side > 0 and side % multiple == 0


def _call(model: nn.Module, pixels: Tensor) -> Any:
    """The network's answer to [1, 3, H, W]; texts and tasks that some ask for are made up, the same every time."""
    names = inspect.signature(model.forward).parameters
    texts = {name: value.to(pixels.device) for name, value in _texts(model).items() if name in names}
    calls: list[Callable[[], Any]] = [lambda: model(pixels), lambda: model(pixel_values=pixels)]
    if "pixel_values" in names:
        calls.reverse()
        calls.insert(1, lambda: model(pixel_values=pixels, **texts))
    for call in calls[:-1]:
        try:
            return call()
        except Exception as error:
            first = error
            continue
    try:
        return calls[-1]()
    except Exception:
        raise first from None


def _texts(model: nn.Module) -> dict[str, Tensor]:
    config: Any = getattr(model, "config", None)
    tokens = torch.arange(1, _TOKENS + 1)[None]
    task = torch.zeros(1, int(getattr(config, "task_seq_len", _TOKENS)), dtype=torch.long)
    return {"input_ids": tokens, "task_inputs": task}


def _tensors(answer: Any) -> Iterator[Tensor]:
    if isinstance(answer, Tensor):
        if answer.is_floating_point() and answer.numel():
            yield answer
    elif isinstance(answer, Mapping):
        for value in answer.values():
            yield from _tensors(value)
    elif isinstance(answer, tuple | list):
        for value in answer:
            yield from _tensors(value)


def _array(tensor: Tensor) -> Array:
    values: Array = tensor.detach().float().cpu().numpy()
    return values
