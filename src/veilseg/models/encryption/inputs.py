"""What a network is given for one image, whatever library it is from: images, videos, patches, and words besides."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from math import isqrt
from typing import Any

import torch
from torch import Tensor, nn

from veilseg.models.encryption.stems import find_stem, patch_of

_TOKENS = 8
#: By what name networks of transformers take images, and videos.
_NAMES = ("pixel_values", "pixel_values_videos")
_FRAMES = ("num_frames", "frames_per_clip")


def frames_of(model: nn.Module) -> int:
    """How many frames a network for videos takes, 0 for one that takes images."""
    for part in model.modules():
        config: Any = getattr(part, "config", None)
        for name in _FRAMES:
            if isinstance(count := getattr(config, name, None), int) and not isinstance(count, bool) and count > 0:
                return count
    if any(isinstance(part, nn.Conv2d) and part.in_channels == 3 for part in model.modules()):
        return 0
    cubes = (part for part in model.modules() if isinstance(part, nn.Conv3d) and part.in_channels == 3)
    return max((4 * conv.kernel_size[0] for conv in cubes), default=0)


def call(model: nn.Module, images: Tensor) -> Any:
    """The network's answer to one image float [1, 3, H, W]; of a network for videos, to the frames [T, 3, H, W].

    Texts and tasks that some ask for are made up, the same every time; networks that are given patches get them.
    Raises what the network raises first.
    """
    first: Exception | None = None
    for attempt in _calls(model, images):
        try:
            return attempt()
        except Exception as error:  # networks raise what they like
            first = first or error
    assert first is not None
    raise first


def _calls(model: nn.Module, images: Tensor) -> Iterator[Callable[[], Any]]:
    names = inspect.signature(model.forward).parameters
    texts = {name: value.to(images.device) for name, value in _texts(model).items() if name in names}
    if "spatial_shapes" in names:  # transformers cuts patches before the network
        patches = _patches(model, images)
        yield lambda: model(**patches, **texts)
        return
    shapes = [images[None], images.transpose(0, 1)[None]] if frames_of(model) else [images]
    given = next((name for name in _NAMES if name in names), None)
    for shaped in shapes:
        if given is not None:
            yield lambda shaped=shaped: model(**{given: shaped})  # type: ignore[misc]
            yield lambda shaped=shaped: model(**{given: shaped}, **texts)  # type: ignore[misc]
        yield lambda shaped=shaped: model(shaped)  # type: ignore[misc]
        if given is None:
            yield lambda shaped=shaped: model(pixel_values=shaped)  # type: ignore[misc]


def _patches(model: nn.Module, images: Tensor) -> dict[str, Tensor]:
    """What SigLIP2's image processor makes of an image that is of whole patches."""
    stem = find_stem(model)
    side = patch_of(stem)[1]
    shape = torch.tensor([[images.shape[2] // side, images.shape[3] // side]], device=images.device)
    patches = cut(images, side, channels_last=True)
    mask = torch.ones(patches.shape[:2], dtype=torch.long, device=images.device)
    names = inspect.signature(model.forward).parameters
    masks = {name: mask for name in ("pixel_attention_mask", "attention_mask") if name in names}
    masks = dict(list(masks.items())[:1])  # with words, attention_mask is theirs
    return {"pixel_values": patches, "spatial_shapes": shape, **masks}


def cut(images: Tensor, side: int, *, channels_last: bool) -> Tensor:
    """Images [N, 3, H, W] as patches [N, n, 3 * side * side], row by row."""
    n, _, height, width = images.shape
    parts = images.reshape(n, 3, height // side, side, width // side, side)
    order = (0, 2, 4, 3, 5, 1) if channels_last else (0, 2, 4, 1, 3, 5)
    return parts.permute(*order).reshape(n, -1, 3 * side * side)


def sights(stem: nn.Module, images: Tensor) -> list[Tensor]:
    """The forms in which a stem may be given an image [1, 3, H, W] or frames [T, 3, H, W] without a change."""
    if isinstance(stem, nn.Linear):
        side = isqrt(stem.in_features // 3)
        return [cut(images, side, channels_last=last) for last in (False, True)]
    return [images.transpose(0, 1)[None]] if isinstance(stem, nn.Conv3d) else [images]


def _texts(model: nn.Module) -> dict[str, Tensor]:
    config: Any = getattr(model, "config", None)
    tokens = torch.arange(1, _TOKENS + 1)[None]
    task = torch.zeros(1, int(getattr(config, "task_seq_len", _TOKENS)), dtype=torch.long)
    return {"input_ids": tokens, "task_inputs": task}
