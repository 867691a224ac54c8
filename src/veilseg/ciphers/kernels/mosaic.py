"""The mosaic as a numba kernel: the same bits as `subblock.reference.mosaic`, many times faster."""

from __future__ import annotations

from typing import Any

import numpy as np

from veilseg.ciphers.kernels.jit import jit


@jit
def fill_means(pixels: Any, out: Any, start: int, stop: int, s: int) -> None:
    """Fill each sub-block of the pixel rows start..stop (multiples of s) with its channels' means, halves up."""
    count = np.uint32(s * s)
    for top in range(start, stop, s):
        for left in range(0, pixels.shape[1], s):
            r, g, b = count // 2, count // 2, count // 2
            for y in range(top, top + s):
                for x in range(left, left + s):
                    r += pixels[y, x, 0]
                    g += pixels[y, x, 1]
                    b += pixels[y, x, 2]
            r, g, b = r // count, g // count, b // count
            for y in range(top, top + s):
                for x in range(left, left + s):
                    out[y, x, 0], out[y, x, 1], out[y, x, 2] = r, g, b
