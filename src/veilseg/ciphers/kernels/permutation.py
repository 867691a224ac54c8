"""The same permutation of the values of every block, as a numba kernel."""

from __future__ import annotations

from typing import Any

import numpy as np

from veilseg.ciphers.kernels.jit import jit


@jit
def move_values(source: Any, out: Any, block: int, to: Any, origin: Any) -> None:
    """One row of blocks, uint8 [p * width * 3]: out[left + to[k]] = source[left + origin[k]] for every block and k.

    left: the place of the block's first value; to, origin: uint64 [L], places from there.
    """
    width = source.shape[0] // block
    for left in range(np.uint64(0), np.uint64(width), np.uint64(3 * block)):
        for k in range(np.uint64(to.shape[0])):
            out[left + to[k]] = source[left + origin[k]]
