"""Which of three channels is red, green, blue: public photographs know how the three go together."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from veilseg.audit.base import Pixels

_PAIRS = ((0, 1), (0, 2), (1, 2))


def pair_correlations(values: NDArray[np.generic]) -> NDArray[np.float64]:
    """Correlations of the three columns of [N, 3], as a symmetric float64 [3, 3]."""
    return np.corrcoef(values.reshape(-1, 3).astype(np.float64), rowvar=False)


def name_order(found: NDArray[np.float64], public: NDArray[np.float64]) -> tuple[int, ...]:
    """The order in which the channels of `found` are red, green and blue: found[order][:, order] is most like `public`.

    Both are correlation matrices [3, 3]. In nearly all photographs red and blue agree least, and in most green agrees
    more with blue than with red; how much varies, so the order of the three correlations is what is compared.
    """

    def rank(matrix: NDArray[np.float64]) -> NDArray[np.int64]:
        return np.argsort(np.argsort([matrix[pair] for pair in _PAIRS]))

    target = rank(public)
    orders = list(permutations(range(3)))
    fits = [int(np.abs(rank(found[np.ix_(order, order)]) - target).sum()) for order in orders]
    return orders[int(np.argmin(fits))]


def public_correlations(references: Sequence[Pixels]) -> NDArray[np.float64]:
    """The mean correlation matrix of photographs, each by itself: float64 [3, 3]. Without any, what is said above."""
    if not references:
        return np.array([[1.0, 0.8, 0.6], [0.8, 1.0, 0.9], [0.6, 0.9, 1.0]])
    return np.asarray(np.mean([pair_correlations(image) for image in references], axis=0))


def name_channels(picture: NDArray[np.float64], references: Sequence[Pixels]) -> NDArray[np.float64]:
    """`picture` [h, w, 3] with its channels as red, green and blue, as far as their correlations tell."""
    order = name_order(pair_correlations(picture), public_correlations(references))
    return picture[:, :, order]
