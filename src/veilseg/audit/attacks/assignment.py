"""Assignments of least cost. SciPy is imported when one is made, so that names and help need none."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def least_assignment(cost: NDArray[np.float64]) -> NDArray[np.int64]:
    """The column of every row, each taken once, with the least sum of `cost` [n, n]: int64 [n]."""
    from scipy.optimize import linear_sum_assignment

    columns: NDArray[np.int64] = linear_sum_assignment(cost)[1]
    return columns
