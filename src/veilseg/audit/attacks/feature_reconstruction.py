"""feature-reconstruction: the conventional block ciphers NP and FFX undone from encrypted images alone.

The attacks of [Chang 2020], for one key for all blocks. Folding: a value and its negative become
one, and every edge shows. Minimum difference: neighbouring values differ least where both are upright, so the
correlations of positions tell which are negative, and for FFX, neighbours that were left alone tell what every number
stands for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from veilseg.audit.attacks.blocks import block_grid
from veilseg.audit.attacks.moments import moments
from veilseg.audit.base import Attack, Evidence, Finding, Pixels, Stored
from veilseg.audit.picture import LARGEST, as_pixels
from veilseg.ciphers.grid import join_blocks

_FOREIGN = 0.05  # share of values beyond 255 from which a position counts as replaced
_REACH = 1.0  # pixels: how fast a neighbour's say falls off


class FeatureReconstruction(Attack):
    """Pictures from images of NP and FFX."""

    name = "feature-reconstruction"
    needs = "some encrypted images of one key"
    cost = "one eigenvector, or one table of a thousand means"
    mechanisms = ("inversion", "table")  # they leave positions where they are and change values

    def run(self, evidence: Evidence) -> Finding:
        """Images folded; opened; of NP the negatives too, since which of the two is upright is a guess."""
        block, inverted = evidence.cipher.spec.block, evidence.cipher.facts.mechanism == "inversion"
        grids = [block_grid(stored, block) for stored in evidence.encrypted]
        restored = restore_sign(grids) if inverted else restore_table(grids, block)
        opened = [
            as_pixels(join_blocks(grid.reshape(-1, grid.shape[2]), stored.shape, block))
            for grid, stored in zip(restored, evidence.encrypted, strict=True)
        ]
        made = {"folded": [fold(stored) for stored in evidence.encrypted], "opened": opened}
        return Finding({**made, "negative": [LARGEST - picture for picture in opened]} if inverted else made)


def fold(stored: Stored) -> Pixels:
    """Values and negatives as one, stretched to 0..255: uint8 [H, W, 3] of stored numbers of any range."""
    values = stored.astype(np.float64)
    most = max(LARGEST, float(values.max()))
    return as_pixels(2 * np.minimum(values, most - values) * LARGEST / most)


def restore_sign(grids: Sequence[NDArray[Any]]) -> list[NDArray[np.float64]]:
    """Blocks [rows, columns, L] of NP (half of the positions negative) as plain blocks: float64 of the same shapes.

    All plain values of a block go together, so the first eigenvector of their correlations has one sign; a negative
    position changes its entry's. Which of the two pictures is upright: the upper third is lighter, where sky is above.
    """
    correlations = moments(grids, scale=True).inside
    negative = np.linalg.eigh(correlations)[1][:, -1] < 0
    upright = [np.where(negative, LARGEST - grid.astype(np.float64), grid) for grid in grids]
    third = [max(1, len(grid) // 3) for grid in upright]
    lighter = sum(float(grid[:n].mean() - grid[-n:].mean()) for grid, n in zip(upright, third, strict=True))
    return upright if lighter >= 0 else [LARGEST - grid for grid in upright]


def restore_table(grids: Sequence[NDArray[Any]], block: int) -> list[NDArray[np.float64]]:
    """Blocks [rows, columns, L] of FFX as plain blocks: float64 of the same shapes.

    Half of the positions hold numbers 0..999 of one secret table, the others plain values 0..255. Every number's
    meaning is the mean, over all its places, of what the untouched values around it say.
    """
    blocks = np.concatenate([grid.reshape(-1, grid.shape[2]) for grid in grids])
    replaced = (blocks > LARGEST).mean(axis=0) > _FOREIGN
    if replaced.all():
        return [grid.astype(np.float64) for grid in grids]
    near = _nearness(block)[:, ~replaced]
    guess = blocks[:, ~replaced] @ (near / near.sum(axis=1, keepdims=True)).T
    numbers = blocks[:, replaced].astype(np.int64)
    length = int(numbers.max(initial=0)) + 1
    counts = np.bincount(numbers.ravel(), minlength=length)
    sums = np.bincount(numbers.ravel(), guess[:, replaced].ravel(), minlength=length)
    table = sums / np.maximum(counts, 1)
    opened = []
    for grid in grids:
        plain = grid.astype(np.float64)
        plain[..., replaced] = table[grid[..., replaced].astype(np.int64)]
        opened.append(plain)
    return opened


def _nearness(block: int) -> NDArray[np.float64]:
    """[L, L]: how much a value of a block says about another; the channels of one pixel count as one pixel apart."""
    channel, row, column = np.unravel_index(np.arange(3 * block * block), (3, block, block))
    apart = (row[:, None] - row) ** 2 + (column[:, None] - column) ** 2 + (channel[:, None] != channel)
    return np.asarray(np.exp(-apart / (2 * _REACH**2)))
