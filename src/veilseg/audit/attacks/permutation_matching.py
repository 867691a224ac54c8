"""A permutation from second moments alone: where every value of a block lies, found from encrypted images only.

1. Places. A value near the right edge goes together with the block to the right more than with the one to the left:
   the difference grows with its column. The same with below and above gives its row.
2. Channels. What is left of the correlations after the mean of each value's surroundings has been taken off knows
   only colour; its two strongest directions part the values into three channels.
3. Refinement. The values put at their guessed places give moments; averaged over equal displacements they are what
   photographs of this kind look like. Every value is compared with every place of that picture, all are assigned
   anew, and so on until nothing changes. The reference is thus made from the encrypted images themselves.
4. Ways out. Where that ends in a wrong order, it usually lacks one of the moves of `moves`; the order whose
   moments differ least from their own averages is right, so each move is tried and the best of them kept.
5. Names. Public photographs show which channel is red, green and blue.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations, product

import numpy as np
from numpy.typing import NDArray

from veilseg.audit.attacks.channel_names import name_order, public_correlations
from veilseg.audit.attacks.moments import Matrix, Moments, stationary
from veilseg.audit.base import Pixels

Order = NDArray[np.int64]
MAX_ROUNDS = 40
MAX_MOVES = 6
TRIED = 2  # of the moves, the most promising: refined until nothing changes
_NEAR = 1.5  # pixels: the surroundings that stand for the grey of a value
#: How far each channel is pushed: one alone, two against each other, or all.
PUSHES = [
    push
    for push in product((-1, 0, 1), repeat=3)
    if np.count_nonzero(push) == 1 or abs(sum(push)) == 3 or (any(push) and sum(push) == 0)
]


def match_permutation(found: Moments, block: int) -> tuple[Order, int]:
    """The permutation l, b_hat = b[l], that explains correlations `found` of encrypted blocks best.

    Its channels are not yet named. Also the rounds of refinement it took.
    """
    places = find_places(found, block)
    order, rounds = refine(found, first_order(places, find_channels(found, places), block), block)
    least = mismatch(found, order, block)
    for _ in range(MAX_MOVES):
        moved = [refine(found, move, block, 1)[0] for move in moves(found, order, block)]
        moved.sort(key=lambda candidate: mismatch(found, candidate, block))
        for candidate in moved[:TRIED]:
            better, more = refine(found, candidate, block)
            rounds += more
            if (left := mismatch(found, better, block)) < least * (1 - 1e-9):
                order, least = better, left
                break
        else:
            break
    return order, rounds


def name_permutation(found: Moments, order: Order, block: int, references: Sequence[Pixels] = ()) -> Order:
    """`order` with its channels named by public photographs, or without them by a rule of thumb."""
    back = np.argsort(order)
    same = found.inside[np.ix_(back, back)].reshape(3, block**2, 3, block**2)
    pairs = np.diagonal(same, axis1=1, axis2=3).mean(axis=2)  # of the channels, at one pixel
    names = np.argsort(name_order(pairs, public_correlations(references)))
    return names[order // block**2] * block**2 + order % block**2


def refine(found: Moments, order: Order, block: int, rounds: int = MAX_ROUNDS) -> tuple[Order, int]:
    """Assign anew until nothing changes, `rounds` times at most; the order, and how often."""
    for done in range(1, rounds + 1):
        better = assign(found, order, stationary(found.arranged(np.argsort(order)), block))
        if np.array_equal(better, order):
            return order, done
        order = better
    return order, rounds


def mismatch(found: Moments, order: Order, block: int) -> float:
    """How much the moments under `order` depend on more than displacements: least, as a rule, for the right order."""
    arranged = found.arranged(np.argsort(order))
    pairs = zip(arranged.all, stationary(arranged, block).all, strict=True)
    return sum(float(((one - other) ** 2).sum()) for one, other in pairs)


def find_places(found: Moments, block: int) -> NDArray[np.float64]:
    """Row and column of every value in pixels, guessed by rank: float64 [L, 2] in 0..block."""
    places = []
    for neighbour in (found.below, found.right):
        leaning = neighbour.mean(axis=1) - neighbour.mean(axis=0)
        places.append(np.argsort(np.argsort(leaning)) * block / len(leaning))
    return np.stack(places, axis=1)


def find_channels(found: Moments, places: NDArray[np.float64]) -> Order:
    """Three channels of L / 3 values each, not yet named: int64 [L] of 0..2."""
    distance = ((places[:, None] - places[None]) ** 2).sum(axis=2)
    near = np.exp(-distance / (2 * _NEAR**2))
    colour = np.eye(len(near)) - near / near.sum(axis=1, keepdims=True)
    strength, direction = np.linalg.eigh(colour @ found.inside @ colour.T)
    points = direction[:, -2:] * np.sqrt(np.maximum(strength[-2:], 0))
    return _three_groups(points)


def first_order(places: NDArray[np.float64], channels: Order, block: int) -> Order:
    """Every value to a place of its own: the assignment with the least squared distance, channel by channel."""
    grid = np.stack(np.meshgrid(*2 * [np.arange(block)], indexing="ij"), axis=-1).reshape(-1, 2)
    order = np.empty(len(places), np.int64)
    for channel in range(3):
        mine = np.flatnonzero(channels == channel)
        ranks = np.argsort(np.argsort(places[mine], axis=0), axis=0)
        spread = (ranks + 0.5) * block / len(mine) - 0.5
        cost = ((spread[:, None] - grid[None]) ** 2).sum(axis=2)
        order[mine] = channel * block * block + least_assignment(cost)
    return order


def assign(found: Moments, order: Order, reference: Moments) -> Order:
    """Every value anew to the place whose moments with all places are most like the value's own under `order`."""
    back = np.argsort(order)
    mine = np.concatenate([part[:, back] for matrix in found.all for part in (matrix, matrix.T)], axis=1)
    theirs = np.concatenate([part for matrix in reference.all for part in (matrix, matrix.T)], axis=1)
    return least_assignment(_distances(mine, theirs))


def _distances(first: Matrix, second: Matrix) -> Matrix:
    """Squared distances between the rows of [n, d] and [m, d], up to a constant per row of `first`."""
    product = first.astype(np.float32) @ second.astype(np.float32).T
    return np.asarray((second**2).sum(axis=1)[None] - 2 * product.astype(np.float64))


def _three_groups(points: NDArray[np.float64]) -> Order:
    """k-means with three groups of equal size; it starts from the three points that are farthest apart."""
    size = len(points) // 3
    first = int((points**2).sum(axis=1).argmax())
    chosen = [first]
    for _ in range(2):
        distance = np.min([((points - points[i]) ** 2).sum(axis=1) for i in chosen], axis=0)
        chosen.append(int(distance.argmax()))
    centres = points[chosen]
    for _ in range(50):
        cost = ((points[:, None] - centres[None]) ** 2).sum(axis=2)
        groups: Order = cost.argmin(axis=1)
        moved = np.array([points[groups == k].mean(axis=0) if (groups == k).any() else centres[k] for k in range(3)])
        if np.allclose(moved, centres):
            break
        centres = moved
    cost = ((points[:, None] - centres[None]) ** 2).sum(axis=2)
    return least_assignment(cost.repeat(size, axis=1)) // size


def least_assignment(cost: NDArray[np.float64]) -> Order:
    """The column of every row, each taken once, with the least sum of `cost` [n, n]: int64 [n]."""
    from scipy.optimize import linear_sum_assignment  # late, so that names and help need none

    columns: Order = linear_sum_assignment(cost)[1]
    return columns


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
