"""Second moments of blocks: how the values inside of a block go together, and with those of the blocks right and below.

One key for all blocks permutes or rotates these matrices and does nothing else to them: that is what ciphertext-only
works from. The neighbours make the difference: they tell left from right and up from down.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class Moments:
    """Correlations (or covariances) of the L values of a block, each [L, L].

    `inside` one block; `right`[i, j] of value i with value j of the block to the right; `below` likewise.
    """

    inside: Matrix
    right: Matrix
    below: Matrix

    @property
    def all(self) -> tuple[Matrix, Matrix, Matrix]:
        """The three matrices."""
        return self.inside, self.right, self.below

    def arranged(self, order: NDArray[np.int64]) -> Moments:
        """Rows and columns in the given order: [order][:, order] of each."""
        return Moments(*(matrix[np.ix_(order, order)] for matrix in self.all))


def moments(grids: Sequence[NDArray[Any]], *, scale: bool) -> Moments:
    """Of grids of blocks [rows, columns, L] of any numbers of rows and columns; scale: correlations, else covariances.

    Every value's mean over all blocks is taken off; one that never changes correlates with nothing.
    """
    flat = np.concatenate([grid.reshape(-1, grid.shape[2]) for grid in grids]).astype(np.float64)
    mean, std = flat.mean(axis=0), flat.std(axis=0)
    factor = 1 / np.maximum(std, 1e-6) if scale else np.ones_like(std)
    centred = [((grid - mean) * factor).astype(np.float32) for grid in grids]
    return Moments(
        _product([(grid, grid) for grid in centred]),
        _product([(grid[:, :-1], grid[:, 1:]) for grid in centred]),
        _product([(grid[:-1], grid[1:]) for grid in centred]),
    )


def stationary(found: Moments, block: int) -> Moments:
    """The nearest moments that depend only on the channels and on the way from pixel to pixel, not on the place.

    found: in plain order (channel, row, column). Every entry becomes the mean of all entries, of the three matrices,
    with the same channels and the same displacement. Photographs are nearly so; a few misplaced values hardly matter.
    """
    p = block
    step = np.arange(p)[None, :] - np.arange(p)[:, None] + p  # displacement + p, of rows and of columns alike: 0..2p
    side = 3 * p
    places = []
    for down, across in ((0, 0), (0, p), (p, 0)):
        index = (step + down)[:, None, :, None] * side + (step + across)[None, :, None, :]
        places.append(np.broadcast_to(index, (p, p, p, p)).reshape(p * p, p * p))
    total = np.bincount(np.concatenate(places).ravel(), minlength=side * side)
    means = [np.zeros((3 * p * p, 3 * p * p)) for _ in places]
    for a in range(3):
        for b in range(3):
            part = np.s_[a * p * p : (a + 1) * p * p, b * p * p : (b + 1) * p * p]
            values = np.concatenate([matrix[part] for matrix in found.all])
            sums = np.bincount(np.concatenate(places).ravel(), values.ravel(), minlength=side * side)
            profile = sums / np.maximum(total, 1)
            for mean, place in zip(means, places, strict=True):
                mean[part] = profile[place]
    return Moments(*means)


def _product(pairs: list[tuple[NDArray[np.float32], NDArray[np.float32]]]) -> Matrix:
    """The mean of a^T b over all pairs of values, float64 [L, L]; zero where there is no pair."""
    first, second = (np.concatenate([pair[k].reshape(-1, pair[k].shape[2]) for pair in pairs]) for k in (0, 1))
    return np.asarray(first.T @ second / max(1, len(first)), np.float64)
