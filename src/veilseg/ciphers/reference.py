"""The sub-block ciphers in plain NumPy: what the kernels are tested against, and what runs where numba is missing."""

from __future__ import annotations

from itertools import pairwise, permutations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from veilseg.ciphers.grid import Pixels, cut_regions, join_regions


def canonicalize(pixels: Pixels, block: int, sub_block: int, channels: str, shuffle: str) -> Pixels:
    """The canonical form C of the sub-block cipher; arguments as in `veilseg.ciphers.canonicalize`, already checked."""
    region = block if channels == "block" else sub_block
    regions = cut_regions(pixels, region, sub_block)
    named = channels == "none"
    if shuffle == "channel":
        result = np.sort(regions, axis=-1)
        if not named:
            result = np.take_along_axis(result, _channel_order(result)[:, :, None, None], axis=1)
    elif named:
        result = _sort_pixels(regions)
    else:
        result = _canonical_shared(regions)
    return join_regions(result, pixels.shape, region, sub_block)


def mosaic(pixels: Pixels, sub_block: int) -> Pixels:
    """Every sub-block filled with the mean of each channel, rounded to the nearest integer, halves up."""
    regions = cut_regions(pixels, sub_block, sub_block)
    count = sub_block * sub_block
    means = (2 * regions.sum(axis=-1, keepdims=True, dtype=np.int64) + count) // (2 * count)
    filled = np.broadcast_to(means.astype(np.uint8), regions.shape)
    return join_regions(filled, pixels.shape, sub_block, sub_block)


def quartiles(pixels: Pixels, sub_block: int) -> Pixels:
    """Every quarter of a channel's sorted values in a sub-block as its mean, halves up; channels ordered like C's."""
    regions = np.sort(cut_regions(pixels, sub_block, sub_block), axis=-1)
    bounds = np.arange(5) * sub_block * sub_block // 4
    for first, last in pairwise(bounds):
        if first < last:
            sums = regions[..., first:last].sum(axis=-1, keepdims=True, dtype=np.int64)
            regions[..., first:last] = (2 * sums + last - first) // (2 * (last - first))
    order = _channel_order(regions)[:, :, None, None]
    return join_regions(np.take_along_axis(regions, order, axis=1), pixels.shape, sub_block, sub_block)


def _channel_order(ordered: Pixels) -> NDArray[np.int64]:
    """Order [regions, 3] of the channels of [regions, 3, sub-blocks, s*s]: by sum, ties by the values as they stand."""
    count = len(ordered)
    keys = ordered.reshape(count, 3, -1).astype(np.int64)
    keys = np.concatenate([keys.sum(axis=-1, keepdims=True), keys], axis=-1)
    order = np.tile(np.arange(3), (count, 1))
    rows = np.arange(count)
    for a, b in ((0, 1), (1, 2), (0, 1)):  # a sorting network for three
        first, second = keys[rows, order[:, a]], keys[rows, order[:, b]]
        swap = _less(second, first)
        order[swap, a], order[swap, b] = order[swap, b], order[swap, a]
    return order


def _less(a: NDArray[Any], b: NDArray[Any]) -> NDArray[np.bool_]:
    """Row by row: is a[i] lexicographically smaller than b[i]?"""
    differ = a != b
    first = differ.argmax(axis=-1)
    rows = np.arange(len(a))
    return np.asarray(a[rows, first] < b[rows, first])


def _sort_pixels(regions: Pixels) -> Pixels:
    """Sort whole pixels (first, second, third channel) lexicographically inside every sub-block."""
    wide = regions.astype(np.uint32)
    packed = np.sort(wide[:, 0] << 16 | wide[:, 1] << 8 | wide[:, 2], axis=-1)
    return np.stack([packed >> 16, packed >> 8 & 255, packed & 255], axis=1).astype(np.uint8)


def _canonical_shared(regions: Pixels) -> Pixels:
    """Channels ordered by their sorted values, then whole pixels sorted.

    Channels with equal sorted values may still be arranged differently, and then the sorted values cannot tell which
    comes first. All orders of such channels are tried, and the lexicographically smallest result (pixel after pixel,
    sub-block after sub-block) is the canonical one.
    """
    ordered = np.sort(regions, axis=-1)
    order = _channel_order(ordered)[:, :, None, None]
    regions, ordered = np.take_along_axis(regions, order, axis=1), np.take_along_axis(ordered, order, axis=1)
    result = _sort_pixels(regions)
    tied = np.flatnonzero((ordered[:, :-1] == ordered[:, 1:]).all(axis=(2, 3)).any(axis=1))
    for permutation in permutations(range(3)):
        swapped = list(permutation)
        same = (ordered[tied][:, swapped] == ordered[tied]).all(axis=(1, 2, 3))
        candidates = tied[same]
        attempt = _sort_pixels(regions[candidates][:, swapped])
        smaller = _less(_pixel_major(attempt), _pixel_major(result[candidates]))
        result[candidates[smaller]] = attempt[smaller]
    return result


def _pixel_major(regions: Pixels) -> NDArray[np.uint8]:
    """[regions, 3, sub-blocks, s*s] as [regions, sub-blocks * s*s * 3]: the order in which results are compared."""
    count, _, sub_blocks, values = regions.shape
    return regions.transpose(0, 2, 3, 1).reshape(count, sub_blocks * values * 3)
