"""Shares and means with their bounds of 95 %: [value, low, high], rounded to four places."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

RESAMPLED = 1000
NORMAL = 1.96  # standard deviations: 95 % of a normal distribution


def wilson(count: int, total: int) -> list[float]:
    """`count` of `total` cases that do not depend on each other, by Wilson's score interval."""
    share, square = count / total, NORMAL**2
    middle = (share + square / (2 * total)) / (1 + square / total)
    half = NORMAL * np.sqrt(share * (1 - share) / total + square / (4 * total**2)) / (1 + square / total)
    return _rounded(share, max(0, middle - half), min(1, middle + half))


def bootstrap(sums: ArrayLike) -> list[float]:
    """The second column's sum over the first's, by a bootstrap over the rows, [N, 2].

    A row is what goes together: the cases of one line, person or photograph. With ones in the first column the result
    is the second's mean.
    """
    rows = np.asarray(sums, np.float64)
    drawn = np.random.default_rng(0).integers(len(rows), size=(RESAMPLED, len(rows)))
    totals = rows[drawn].sum(axis=1)
    total = rows.sum(axis=0)
    return _rounded(total[1] / total[0], *np.quantile(totals[:, 1] / totals[:, 0], (0.025, 0.975)))


def _rounded(*values: float) -> list[float]:
    return [round(float(value), 4) for value in values]
