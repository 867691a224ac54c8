"""A network run on one image, whatever library it is from: at which size, with which other inputs, to which tensors."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from veilseg.errors import InvalidModelError
from veilseg.modelfolder import FOREIGN
from veilseg.models.base import SegmentationModel
from veilseg.models.encryption.inputs import call, frames_of, sights
from veilseg.models.encryption.stems import Stem, grid_of

Array = NDArray[np.float32]
#: Sides in pixels that are tried where a network does not say its own.
_SIDES = (224, 64, 32, 96, 128, 256, 384, 512)
#: Attributes by which layers of timm and transformers say their image's size.
_SIZES = ("img_size", "image_size", "crop_size")


@dataclass
class Probe:
    """What a network did with one image.

    Attributes:
        answers: all its floating-point outputs, in their order.
        seen, embedded: what went into its stem, and what came out with its channels second ([1, D, ...]); None where it
            did not run.
    """

    answers: list[Array] = field(default_factory=list)
    seen: Array | None = None
    embedded: Array | None = None


@torch.no_grad()
def run(model: nn.Module, image: NDArray[Any], stem: nn.Module | None = None) -> Probe:
    """`model` on one image [H, W, 3] of any type, in evaluation mode, its own precision and device; on the same luck.

    A network for videos gets the image cut into its frames, which stand one below the other. Raises what the network
    raises.
    """
    probe = Probe()
    weight = next(model.parameters())
    pixels = images_of(model, image).to(weight.device, weight.dtype)

    def watch(layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        if probe.seen is None:
            moved = output.transpose(1, -1) if isinstance(layer, nn.Linear) else output
            probe.seen, probe.embedded = _array(inputs[0]), _array(moved)

    hook = None if stem is None else stem.register_forward_hook(watch)
    modes = [(part, part.training) for part in model.modules()]
    model.eval()
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            probe.answers = [_array(tensor) for tensor in _tensors(call(model, pixels))]
    finally:
        for part, training in modes:
            part.training = training
        if hook is not None:
            hook.remove()
    return probe


def images_of(model: nn.Module, image: NDArray[Any]) -> Tensor:
    """[H, W, 3] as float32 [1, 3, H, W], or as the frames [T, 3, H / T, W] of a network for videos."""
    frames = max(1, frames_of(model))
    parts = np.asarray(image, np.float32).reshape(frames, -1, *image.shape[1:])
    return torch.from_numpy(parts).permute(0, 3, 1, 2)


def saw_the_image(model: nn.Module, stem: Stem, seen: Array | None, image: NDArray[Any]) -> int | None:
    """Which of `sights` a stem has `seen` of an image [H, W, 3]; None: something else, so it was changed before."""
    for index, form in enumerate(sights(stem, images_of(model, image))):
        if seen is not None and seen.shape == form.shape and np.allclose(seen, form, rtol=1e-3, atol=1e-2):
            return index
    return None


def channels_come_last(model: nn.Module, stem: Stem) -> bool:
    """Whether a Linear reads patches as row, column, channel, by what it is given of an image; False for convolutions.

    Raises InvalidModelError where it is given something else than the image's patches.
    """
    if not isinstance(stem, nn.Linear):
        return False
    values = f"the Linear that reads patches ({stem.in_features} values)"
    if not runnable(model):
        raise InvalidModelError(f"{values} cannot be run, so nothing says in which order its values come")

    def random(height: int, width: int) -> NDArray[Any]:
        return np.random.default_rng(0).integers(0, 256, (height, width, 3)) / 128.0 - 1.0

    path = next(name for name, part in model.named_modules() if part is stem)
    model = in_float32(model)
    stem = cast("nn.Linear", model.get_submodule(path))
    image = random(*image_size(model, grid_of(stem), random))
    order = saw_the_image(model, stem, run(model, image, stem).seen, image)
    if order is None:
        raise InvalidModelError(
            f"{values} is not given the image's own: something before it normalizes, resizes or orders them otherwise",
            "a key can only be built into the first layer that reads pixels",
        )
    return order == 1


def runnable(model: nn.Module) -> bool:
    """Whether there is anything to run: a container of layers (ModuleDict) has no forward."""
    return type(model).forward is not nn.Module.forward


def in_float32(model: nn.Module) -> nn.Module:
    """The model itself, or a copy in float32 where its numbers are coarser."""
    coarse = any(p.is_floating_point() and p.element_size() < 4 for p in model.parameters())
    return copy.deepcopy(model).float() if coarse else model


def image_size(model: nn.Module, multiple: int, take: Callable[[int, int], NDArray[Any]]) -> tuple[int, int]:
    """The first (H, W), multiples of `multiple`, at which `model` runs on `take(H, W)`, a plain image for it.

    Of a network for videos H is that of all frames together.

    Raises InvalidModelError, with the network's own reason, where it runs at none.
    """
    first: Exception | None = None
    frames = max(1, frames_of(model))
    for height, width in dict.fromkeys(_sizes(model, multiple)):
        try:
            run(model, take(frames * height, width))
        except Exception as error:  # networks raise what they like
            first = first or error
        else:
            return frames * height, width
    if isinstance(first, InvalidModelError):
        raise first
    raise InvalidModelError(
        f"this network does not run on an image alone ({type(first).__name__}: {str(first)[:120]}), so its encryption "
        "cannot be checked",
        "encrypt_model(..., verify=False) leaves the check to you",
    ) from first


def _sizes(model: nn.Module, multiple: int) -> Iterator[tuple[int, int]]:
    if isinstance(model, SegmentationModel) and model.config.architecture not in FOREIGN:
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
