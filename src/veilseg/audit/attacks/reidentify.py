"""The same car or person in another image, by what the cells under it leave: their values, top to bottom.

Which cells are under an object the label map says, which the cloud computes. No training. Not one of the audit's
attacks on a folder: it needs to know which objects are the same. bench/reidentification.py measures it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from veilseg.audit.readers.features import STEPS

BANDS = 3
"""Parts of an object, from top to bottom, that are compared each with its own."""
HALF = 0.5
"""The share of a cell that must be the object's."""
Floats = NDArray[np.float64]


def describe(grid: NDArray[np.float32], mask: NDArray[np.bool_], side: int) -> Floats:
    """What an object looks like: float64, BANDS x (STEPS + 6) numbers.

    Of every band the mean of its cells' sorted greys and of the means of their channels, in rising order since nobody
    knows their names, and the spread of the latter. Neither its size nor its place.

    Args:
        grid: what `readers.features.cells` gave of the encrypted image, [rows, columns, STEPS + 3].
        mask: the object's pixels, bool [H, W], H and W at most the grid's.
        side: of a cell in pixels.
    """
    rows, columns = grid.shape[:2]
    whole = np.zeros((rows * side, columns * side))
    whole[: mask.shape[0], : mask.shape[1]] = mask
    shares = whole.reshape(rows, side, columns, side).mean(axis=(1, 3))
    inside = shares >= min(HALF, float(shares.max()))
    heights = np.nonzero(inside)[0]
    values = np.concatenate([grid[..., :STEPS], np.sort(grid[..., STEPS:], axis=2)], axis=2)[inside].astype(np.float64)
    edges = np.linspace(heights.min(), heights.max() + 1, BANDS + 1)
    parts = []
    for band in range(BANDS):
        chosen = (heights + 0.5 >= edges[band]) & (heights + 0.5 < edges[band + 1])
        there = values[chosen] if chosen.any() else values
        parts += [there.mean(axis=0), there[:, STEPS:].std(axis=0)]
    return np.concatenate(parts)


def likeliest(asked: Floats, others: Floats, spread: Floats) -> int:
    """Which row of `others` is most like `asked`, both of `describe`; `spread` is how much objects of a kind differ."""
    return int((np.abs(others - asked) / (spread + 1)).sum(axis=1).argmin())
