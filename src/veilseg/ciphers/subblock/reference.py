"""The reducing forms in plain NumPy: what the kernels are tested against, and what runs where numba is missing."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from veilseg.ciphers.grid import Pixels, cut_sub_blocks, join_sub_blocks


def canonicalize(pixels: Pixels, sub_block: int) -> Pixels:
    """The canonical form; arguments as in `veilseg.ciphers.subblock.sort.canonicalize`, already checked."""
    values = np.sort(cut_sub_blocks(pixels, sub_block), axis=-1)
    return join_sub_blocks(_in_order(values), pixels.shape, sub_block)


def quartiles(pixels: Pixels, sub_block: int) -> Pixels:
    """Every quarter of a channel's sorted values in a sub-block as its mean, halves up; channels in canonical order."""
    values = np.sort(cut_sub_blocks(pixels, sub_block), axis=-1)
    for first, last in pairwise(np.arange(5) * sub_block * sub_block // 4):
        sums = values[..., first:last].sum(axis=-1, keepdims=True, dtype=np.int64)
        values[..., first:last] = (2 * sums + last - first) // (2 * (last - first))
    return join_sub_blocks(_in_order(values), pixels.shape, sub_block)


def mosaic(pixels: Pixels, sub_block: int) -> Pixels:
    """Every sub-block filled with the mean of each channel, rounded to the nearest integer, halves up."""
    values = cut_sub_blocks(pixels, sub_block)
    count = sub_block * sub_block
    means = (2 * values.sum(axis=-1, keepdims=True, dtype=np.int64) + count) // (2 * count)
    filled = np.broadcast_to(means.astype(np.uint8), values.shape)
    return join_sub_blocks(filled, pixels.shape, sub_block)


def _in_order(values: Pixels) -> Pixels:
    """[sub-blocks, 3, s*s] with the channels ordered by their sums, ties by their values as they stand."""
    count = len(values)
    keys = values.astype(np.int64)
    keys = np.concatenate([keys.sum(axis=-1, keepdims=True), keys], axis=-1)
    order = np.tile(np.arange(3), (count, 1))
    rows = np.arange(count)
    for a, b in ((0, 1), (1, 2), (0, 1)):  # a sorting network for three
        swap = _less(keys[rows, order[:, b]], keys[rows, order[:, a]])
        order[swap, a], order[swap, b] = order[swap, b], order[swap, a]
    return np.take_along_axis(values, order[:, :, None], axis=1)


def _less(a: NDArray[Any], b: NDArray[Any]) -> NDArray[np.bool_]:
    """Row by row: is a[i] lexicographically smaller than b[i]?"""
    first = (a != b).argmax(axis=-1)
    rows = np.arange(len(a))
    return np.asarray(a[rows, first] < b[rows, first])
