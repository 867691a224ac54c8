"""A rotation from second moments alone: as much of the matrix as encrypted images and public photographs give away.

Derived here. Encrypted blocks are y = Q x, so every moment of theirs is Q R Q^T with R that of plain blocks. The
moments inside of a block alone give Q only up to signs and up to mixing of directions with near variances; those with
the neighbouring blocks, which the same Q turns, resolve most of both. R is taken from public photographs first, then
from the images as they are recovered so far, averaged over equal displacements (`stationary`).

Q maximizes sum <A_m, W B_m W^T> in the eigenvectors' coordinates, found by W <- polar(sum A_m W B_m^T + A_m^T W B_m),
for the strongest directions first and more of them step by step.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from veilseg.audit.attacks.blocks import block_grid
from veilseg.audit.attacks.moments import Matrix, Moments, moments, stationary
from veilseg.audit.base import Pixels
from veilseg.ciphers.plain import pad

GROWTH = (1, 4, 8, 16, 32, 64)
"""How many directions are matched, step by step."""
MORE = 16
"""How many more are matched in every later epoch, with the moments of what was recovered."""
EPOCHS = 8
ITERATIONS = 60
FLATTEN = 0.25
"""Variances to this power are divided out: at 0 brightness alone decides, at 0.5 noise does."""


def match_rotation(grids: Sequence[NDArray[np.float64]], references: Sequence[Pixels], block: int) -> Matrix:
    """The orthogonal M, with encrypted blocks (b - 127.5) M^T, that explains `grids` best: float64 [L, L].

    grids: encrypted blocks [rows, columns, L] on the scale of pixels, around 0. Directions with little variance stay a
    guess; the picture needs few of the others.
    """
    found = moments(grids, scale=False)
    public = [block_grid(pad(image, block), block) for image in references]
    reference = stationary(moments(public, scale=False), block)
    theirs = _Basis.of(found)
    size = len(found.inside)
    matrix, turn = np.eye(size), np.ones((1, 1))
    for epoch in range(EPOCHS):
        mine = _Basis.of(reference)
        for count in [min(count, size) for count in (GROWTH if epoch == 0 else (GROWTH[-1] + MORE * epoch,))]:
            a, b = theirs.strongest(count), mine.strongest(count)
            if epoch == 0:
                turn = _grow(turn, a, b)
            else:
                turn = orthogonal(theirs.vectors[:, :count].T @ matrix @ mine.vectors[:, :count])
            turn = improve(turn, a, b)
        # The rest is arbitrary: pairing weak directions by their strength is worse (SSIM 0.76, not 0.80).
        count = len(turn)
        matrix = orthogonal(theirs.vectors[:, :count] @ turn @ mine.vectors[:, :count].T)
        reference = stationary(Moments(*(matrix.T @ part @ matrix for part in found.all)), block)
    return with_sign(matrix, grids, np.concatenate([image.reshape(-1, 3) for image in references]).mean() - 127.5)


@dataclass(frozen=True)
class _Basis:
    """Moments in the coordinates of the eigenvectors of `inside`, strongest first."""

    values: NDArray[np.float64]
    vectors: Matrix
    turned: tuple[Matrix, ...]

    @classmethod
    def of(cls, found: Moments) -> _Basis:
        values, vectors = np.linalg.eigh(found.inside)
        vectors = vectors[:, ::-1]
        return cls(values[::-1], vectors, tuple(vectors.T @ matrix @ vectors for matrix in found.all))

    def strongest(self, count: int) -> list[Matrix]:
        """The three moments of the `count` strongest directions, [count, count] each, flattened by FLATTEN."""
        factor = np.maximum(self.values[:count], 1e-7 * self.values[0]) ** -FLATTEN
        return [matrix[:count, :count] * factor[:, None] * factor for matrix in self.turned]


def _grow(turn: Matrix, a: list[Matrix], b: list[Matrix]) -> Matrix:
    """`turn` for more directions: the new ones as they are, with the sign that the neighbours' moments prefer."""
    grown = np.zeros((len(a[0]), len(a[0])))
    grown[: len(turn), : len(turn)] = turn
    for i in range(len(turn), len(grown)):
        known = grown[:i, :i]
        fit = sum(
            float(x[i, :i] @ known @ y[i, :i] + x[:i, i] @ known @ y[:i, i]) for x, y in zip(a[1:], b[1:], strict=True)
        )
        grown[i, i] = 1.0 if fit >= 0 else -1.0
    return grown


def improve(turn: Matrix, a: list[Matrix], b: list[Matrix]) -> Matrix:
    """The orthogonal matrix near `turn` that brings moments `b` to `a` best, by repeated projection."""
    for _ in range(ITERATIONS):
        pull = np.sum([x @ turn @ y.T + x.T @ turn @ y for x, y in zip(a, b, strict=True)], axis=0)
        better = orthogonal(pull)
        moved = np.linalg.norm(better - turn)
        turn = better
        if moved < 1e-3 * np.sqrt(len(turn)):
            break
    return turn


def orthogonal(matrix: Matrix) -> Matrix:
    """The nearest orthogonal matrix."""
    left, _, right = np.linalg.svd(matrix)
    return np.asarray(left @ right)


def with_sign(matrix: Matrix, grids: Sequence[NDArray[np.float64]], brightness: float) -> Matrix:
    """M or -M: second moments cannot tell a picture from its negative.

    The recovered blocks' distribution can: photographs clip at neither end of 0..255 when they are upright, and the
    sky is above. Here the vote is the upper third's brightness against the lower third's, and where that says nothing
    the mean `brightness` of public photographs.
    """
    top = [grid[: max(1, len(grid) // 3)].reshape(-1, grid.shape[2]).mean(axis=0) for grid in grids]
    bottom = [grid[-max(1, len(grid) // 3) :].reshape(-1, grid.shape[2]).mean(axis=0) for grid in grids]
    lighter = float(np.mean([(t - b) @ matrix.mean(axis=1) for t, b in zip(top, bottom, strict=True)]))
    level = float(np.mean([grid.mean(axis=(0, 1)) @ matrix.mean(axis=1) for grid in grids]))
    vote = lighter if abs(lighter) > 5 else level * brightness
    return matrix if vote >= 0 else -matrix
