"""The reducing forms as torch operations on whole batches, on any device: the first layer of a network.

Equal to the arrays' (`reference.py`) to the bit. Imported only where torch is at hand.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor


def canonicalize(images: Tensor, sub_block: int) -> Tensor:
    """The canonical form of uint8 [N, 3, H, W], sides multiples of `sub_block`."""
    return _join(_in_order(_cut(images, sub_block).to(torch.int32).sort(dim=-1).values), images, sub_block)


def quartiles(images: Tensor, sub_block: int) -> Tensor:
    """The means of the quarters of every channel's sorted values, for uint8 [N, 3, H, W]."""
    values = _cut(images, sub_block).to(torch.int32).sort(dim=-1).values
    bounds = (quarter * sub_block * sub_block // 4 for quarter in range(5))
    parts = [_means(values[..., first:last]).expand(-1, -1, last - first) for first, last in pairwise(bounds)]
    return _join(_in_order(torch.cat(parts, dim=-1)), images, sub_block)


def mosaic(images: Tensor, sub_block: int) -> Tensor:
    """Each sub-block's mean per channel, for uint8 [N, 3, H, W]."""
    values = _cut(images, sub_block).to(torch.int32)
    return _join(_means(values).expand(values.shape), images, sub_block)


def _means(values: Tensor) -> Tensor:
    """The mean over the last axis, kept, in whole numbers, halves up."""
    count = values.shape[-1]
    return (2 * values.sum(dim=-1, keepdim=True, dtype=torch.int32) + count) // (2 * count)


def _cut(images: Tensor, s: int) -> Tensor:
    """[N, 3, H, W] as [sub-blocks, 3, s*s], sub-blocks and pixels in raster order."""
    count, planes, height, width = images.shape
    grid = images.reshape(count, planes, height // s, s, width // s, s)
    return grid.permute(0, 2, 4, 1, 3, 5).reshape(-1, planes, s * s)


def _join(values: Tensor, images: Tensor, s: int) -> Tensor:
    """The inverse of `_cut`: of the shape and type of `images`."""
    count, planes, height, width = images.shape
    grid = values.to(images.dtype).reshape(count, height // s, width // s, planes, s, s)
    return grid.permute(0, 3, 1, 4, 2, 5).reshape(images.shape)


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
