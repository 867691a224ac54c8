"""Moves from one guess of a permutation to others that a refinement, which changes value by value, does not find."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, product

import numpy as np
from numpy.typing import NDArray

from veilseg.audit.attacks.moments import Moments

Order = NDArray[np.int64]
#: How far each channel is pushed: one alone, two against each other, or all.
PUSHES = [
    push
    for push in product((-1, 0, 1), repeat=3)
    if np.count_nonzero(push) == 1 or abs(sum(push)) == 3 or (any(push) and sum(push) == 0)
]


def moves(found: Moments, order: Order, block: int) -> Iterator[Order]:
    """Orders that differ from `order`, int64 [L] of 0..L-1, by one thing that goes wrong as a whole."""
    channel, row, column = np.unravel_index(order, (3, block, block))
    for push in PUSHES:
        step = np.array(push)[channel]
        for down, along in ((step, 0), (0, step)):
            there = (channel, (row + down) % block, (column + along) % block)
            yield np.ravel_multi_index(there, (3, block, block))
    yield untangle(found, order)


def untangle(found: Moments, order: Order) -> Order:
    """`order` with channels exchanged where two have changed roles.

    At every pixel the difference of two channels is taken. Neighbours' differences go together, so that the first
    eigenvector of their correlations has one sign, but where the two were exchanged.
    """
    back = np.argsort(order).reshape(3, -1)
    for a, b in combinations(range(3), 2):
        one, other = back[a], back[b]
        together = np.zeros((len(one), len(one)))
        for moments in found.all:
            part = moments[np.ix_(one, one)] + moments[np.ix_(other, other)]
            part = part - moments[np.ix_(one, other)] - moments[np.ix_(other, one)]
            together += part + part.T
        exchanged = np.linalg.eigh(together)[1][:, -1] < 0
        back[a], back[b] = np.where(exchanged, other, one), np.where(exchanged, one, other)
    return np.argsort(back.ravel())
