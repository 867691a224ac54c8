"""The sorting network against NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from veilseg.ciphers.kernels.sorting_network import LANES, rows_for, sort_columns


@pytest.mark.parametrize("count", [1, 9, 16, 20, 64, 100, 256, 4096])
@pytest.mark.parametrize("values", [3, 2**8])
def test_the_network_sorts(count: int, values: int) -> None:
    """Rows that are not needed hold the largest value, and keep it."""
    buffer = np.full((rows_for(count), LANES), 255, np.uint8)
    buffer[:count] = np.random.default_rng(count).integers(0, values, (count, LANES))
    expected = np.sort(buffer, axis=0)
    sort_columns(buffer.reshape(-1), len(buffer))
    assert (buffer == expected).all()
