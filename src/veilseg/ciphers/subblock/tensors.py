"""Sub-blocks as torch operations on whole batches, on any device: the first layer of a network, and what training sees.

The reducing forms are equal to the arrays' (`reference.py`) to the bit. Imported only where torch is at hand.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor

from veilseg.ciphers.tensors import cut, join


def canonicalize(images: Tensor, sub_block: int) -> Tensor:
    """The canonical form of uint8 [N, 3, H, W], sides multiples of `sub_block`."""
    values = cut(images, sub_block).to(torch.int32).sort(dim=-1).values
    return join(_in_order(values).to(images.dtype), images, sub_block)


def quartiles(images: Tensor, sub_block: int) -> Tensor:
    """The means of the quarters of every channel's sorted values, for uint8 [N, 3, H, W]."""
    values = cut(images, sub_block).to(torch.int32).sort(dim=-1).values
    bounds = (quarter * sub_block * sub_block // 4 for quarter in range(5))
    parts = [_means(values[..., first:last]).expand(-1, -1, last - first) for first, last in pairwise(bounds)]
    return join(_in_order(torch.cat(parts, dim=-1)).to(images.dtype), images, sub_block)


def mosaic(images: Tensor, sub_block: int) -> Tensor:
    """Each sub-block's mean per channel, for uint8 [N, 3, H, W]."""
    values = cut(images, sub_block).to(torch.int32)
    return join(_means(values).to(images.dtype).expand(values.shape), images, sub_block)


def shuffle(images: Tensor, sub_block: int, seeds: Sequence[int]) -> Tensor:
    """Uint8 [N, 3, H, W] as `subblock-shuffle` leaves it: permutations equally likely, drawn from a seed per image.

    The channels of every sub-block change places, then the values of each channel. For training: the permutations come
    from torch's generator, and differ between kinds of device.
    """
    values = cut(images, sub_block)
    keys = torch.empty(len(images), values.numel() // len(images), dtype=torch.int32, device=images.device)
    channels = torch.empty(len(images), values.shape[0] // len(images) * 3, dtype=torch.int32, device=images.device)
    for index, seed in enumerate(seeds):
        generator = torch.Generator(images.device).manual_seed(seed)
        keys[index].random_(generator=generator)
        channels[index].random_(generator=generator)
    order = channels.reshape(-1, 3, 1).argsort(dim=1).expand(values.shape)
    return join(values.gather(1, order).gather(2, keys.reshape(values.shape).argsort(dim=2)), images, sub_block)


def _means(values: Tensor) -> Tensor:
    """The mean over the last axis, kept, in whole numbers, halves up."""
    count = values.shape[-1]
    return (2 * values.sum(dim=-1, keepdim=True, dtype=torch.int32) + count) // (2 * count)


def _in_order(values: Tensor) -> Tensor:
    """[sub-blocks, 3, s*s] with the channels ordered by their sums, ties by their values as they stand."""
    keys = torch.cat([values.sum(dim=-1, keepdim=True, dtype=values.dtype), values], dim=-1)
    for a, b in ((0, 1), (1, 2), (0, 1)):  # a sorting network for three
        swap = _less(keys[:, b], keys[:, a])[:, None]
        first, second = keys[:, a], keys[:, b]
        channels = {a: torch.where(swap, second, first), b: torch.where(swap, first, second)}
        keys = torch.stack([channels.get(channel, keys[:, channel]) for channel in range(3)], dim=1)
    return keys[:, :, 1:]


def _less(a: Tensor, b: Tensor) -> Tensor:
    """Row by row of [rows, values]: is a[i] lexicographically smaller than b[i]?"""
    # argmax of a boolean mask as uint8 gives the first position that differs; where none does, a < b is false there.
    first = (a != b).to(torch.uint8).argmax(dim=-1, keepdim=True)
    return (a.gather(1, first) < b.gather(1, first))[:, 0]
