"""An encryption matrix of any kind: solved from pairs, and guessed from encrypted images by their moments.

Encrypted blocks are y = (b - 127.5) E^-1. With pairs this is a system of linear equations. From encrypted images alone
y is whitened, W_y, and so are blocks of public photographs, W_x: both are then the same up to an orthogonal matrix U,
whose moments with neighbouring blocks turn alike. Their eigenvectors, in the order of the eigenvalues, give U up to
signs and mixed neighbours (AMUSE, Tong et al. 1991); the other moments decide the signs and improve it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from veilseg.audit.attacks.blocks import block_grid
from veilseg.audit.attacks.moments import Matrix, moments
from veilseg.audit.attacks.rotation_matching import improve, orthogonal, with_sign
from veilseg.audit.base import Pixels
from veilseg.ciphers.grid import cut_blocks
from veilseg.ciphers.plain import pad

_FLOOR = 1e-6  # of the greatest variance: what whitening takes for the least


def solve_matrix(pairs: Sequence[tuple[Pixels, NDArray[np.floating]]], block: int) -> Matrix:
    """E, float64 [L, L], that fits pairs of images with their encrypted form best.

    Exact up to rounding from L independent blocks on; with fewer, the least of all that fit, which opens nothing else.
    """
    plain = np.concatenate([cut_blocks(image, block) for image, _ in pairs]).astype(np.float64) - 127.5
    encrypted = np.concatenate([cut_blocks(stored, block) for _, stored in pairs]).astype(np.float64)
    return np.asarray(np.linalg.lstsq(encrypted, plain, rcond=None)[0], np.float64)


def match_matrix(grids: Sequence[NDArray[np.float64]], references: Sequence[Pixels], block: int) -> Matrix:
    """A guess at E from encrypted blocks [rows, columns, L] alone, and public photographs: float64 [L, L].

    It needs more blocks than L, or nothing can be whitened, and photographs whose moments are those of the images: it
    opens images whose own moments are known, and shows little with those of other photographs.
    """
    found = moments(grids, scale=False)
    public = moments([block_grid(pad(image, block), block) for image in references], scale=False)
    white, (colour, back) = _whitening(found.inside)[0], _whitening(public.inside)
    theirs = [_even(white @ part @ white.T) for part in (found.right, found.below)]
    mine = [_even(colour @ part @ colour.T) for part in (public.right, public.below)]
    a, b = (np.linalg.eigh(parts[0])[1][:, ::-1] for parts in (theirs, mine))
    turned = [[basis.T @ part @ basis for part in parts] for basis, parts in ((a, theirs), (b, mine))]
    turn = improve(np.diag(_signs(*turned)), *turned)
    whole = orthogonal(a @ turn @ b.T)  # theirs from mine
    # b - mean = back white_x, white_x = U^T white_y: rows y times (back U^T white)^T.
    guess = (back @ whole.T @ white).T
    return with_sign(guess, grids, np.concatenate([image.reshape(-1, 3) for image in references]).mean() - 127.5)


def _whitening(covariance: Matrix) -> tuple[Matrix, Matrix]:
    """The symmetric matrix that makes all variances 1, and its inverse."""
    values, vectors = np.linalg.eigh(covariance)
    root = np.sqrt(np.maximum(values, _FLOOR * values[-1]))
    return np.asarray((vectors / root) @ vectors.T), np.asarray((vectors * root) @ vectors.T)


def _even(matrix: Matrix) -> Matrix:
    return (matrix + matrix.T) / 2


def _signs(theirs: list[Matrix], mine: list[Matrix]) -> NDArray[np.float64]:
    """The sign of every direction, one after the other, that the second moments prefer given those before."""
    signs = np.ones(len(theirs[0]))
    for index in range(1, len(signs)):
        fit = float((theirs[1][index, :index] * signs[:index]) @ mine[1][index, :index])
        signs[index] = 1.0 if fit >= 0 else -1.0
    return signs
