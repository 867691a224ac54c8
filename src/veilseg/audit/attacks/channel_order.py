"""channel-order: neighbours betray which channel of a sub-block is which; then the thumbnail has colours.

Minimum difference [Chang 2020], who undo a colour shuffle per pixel. Here it is per sub-block, which is derived here:
the orders are chosen so that neighbouring sub-blocks' means differ least.
"""

from __future__ import annotations

from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from veilseg.audit.attacks.channel_names import name_channels
from veilseg.audit.base import Attack, Evidence, Finding
from veilseg.audit.picture import as_pixels, enlarge_means, means, visible

ORDERS = np.array(list(permutations(range(3))))
SWEEPS = 20


class ChannelOrder(Attack):
    """The thumbnail in colour."""

    name = "channel-order"
    needs = "one encrypted image; public photographs to name the channels"
    cost = "six guesses per sub-block, some twenty times over"
    mechanisms = ("sort", "shuffle", "quantiles")  # they permute the channels inside sub-blocks

    def run(self, evidence: Evidence) -> Finding:
        """One reconstruction: in colour."""
        side = evidence.cipher.spec.cell
        pictures = []
        for stored in evidence.encrypted:
            small = means(visible(stored), side)
            ordered = reorder(small)
            pictures.append(as_pixels(enlarge_means(name_channels(ordered, evidence.references), side)))
        return Finding({"colour": pictures})


def reorder(small: NDArray[np.float64]) -> NDArray[np.float64]:
    """`small` [h, w, 3] with the channels of every cell put in the order that fits the neighbouring cells best.

    The names are still open: all cells may be permuted alike. Cells join one after another, the surest first (as in
    Prim's algorithm): a cell's order is surest where its best order beats the second by most, against the neighbours
    that have joined. Then sweeps over all cells until none changes.
    """
    height, width = small.shape[:2]
    chosen = _grow(small)
    for _ in range(SWEEPS):
        before = chosen.copy()
        for parity in range(2):  # a checkerboard: neighbours stay as they are while one colour of it moves
            cost = _cost(small, chosen)
            y, x = np.indices((height, width))
            move = (y + x) % 2 == parity
            chosen[move] = cost.argmin(axis=2)[move]
        if np.array_equal(before, chosen):
            break
    return np.take_along_axis(small, ORDERS[chosen], axis=2)


def _grow(cells: NDArray[np.float64]) -> NDArray[np.int64]:
    """The order of every cell [h, w], as an index into ORDERS, joined one by one from the most colourful cell on."""
    height, width = cells.shape[:2]
    chosen = np.full((height, width), -1)
    sums = np.zeros((height, width, len(ORDERS)))
    sure = np.full((height, width), -np.inf)
    sure[np.unravel_index(cells.std(axis=2).argmax(), (height, width))] = 0
    for _ in range(height * width):
        y, x = np.unravel_index(sure.argmax(), sure.shape)
        chosen[y, x] = sums[y, x].argmin()
        sure[y, x] = -np.inf
        here = cells[y, x][ORDERS[chosen[y, x]]]
        for v, u in ((y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)):
            if 0 <= v < height and 0 <= u < width and chosen[v, u] < 0:
                sums[v, u] += np.abs(cells[v, u][ORDERS] - here).sum(axis=1)
                best, second = np.partition(sums[v, u], 1)[:2]
                sure[v, u] = second - best
    return chosen


def _cost(cells: NDArray[np.float64], chosen: NDArray[np.int64]) -> NDArray[np.float64]:
    """[h, w, 6]: how much every order of a cell differs from its four neighbours as they are ordered now."""
    current = np.take_along_axis(cells, ORDERS[chosen], axis=2)
    options = cells[:, :, ORDERS]
    cost = np.zeros(options.shape[:3])
    for axis in (0, 1):
        here, there = (
            (slice(None, -1), slice(1, None))
            if axis == 0
            else ((slice(None), slice(None, -1)), (slice(None), slice(1, None)))
        )
        cost[here] += np.abs(options[here] - current[there][:, :, None]).sum(axis=3)
        cost[there] += np.abs(options[there] - current[here][:, :, None]).sum(axis=3)
    return cost
