"""Every channel of a sub-block sorted by itself, or its quartile means, and channels ordered per sub-block."""

from __future__ import annotations

from typing import Any

import numpy as np

from veilseg.ciphers.kernels.jit import jit
from veilseg.ciphers.kernels.lanes import load_group, store_group
from veilseg.ciphers.kernels.sorting_network import LANES, rows_for, sort_columns

_ROW, _LANES, _THREE, _4 = np.uint64(LANES), np.uint64(LANES // 3), np.uint64(3), np.uint64(4)
_1, _2 = np.uint32(8), np.uint32(16)


@jit
def settle(buffer: Any, n: Any, a: Any, b: Any, sums: Any, shifts: Any) -> None:
    """Where the sums of channel a and a later channel b are equal: their sorted values decide, if they differ."""
    if sums[a] != sums[b]:
        return
    for row in range(np.uint64(0), n * _ROW, _ROW):
        if buffer[row + a] != buffer[row + b]:
            if buffer[row + a] > buffer[row + b]:
                shifts[a] += _1
                shifts[b] -= _1
            return


@jit
def order_channels(buffer: Any, n: Any, count: Any, sums: Any, shifts: Any) -> None:
    """Shifts uint32 [LANES]: 8 * the place of every channel, by the sums of its column, ties by its sorted values."""
    sums[:] = 0
    for row in range(np.uint64(0), n * _ROW, _ROW):
        for lane in range(_ROW):
            sums[lane] += buffer[row + lane]
    for b in range(_LANES):
        x, y, z = sums[b], sums[b + _LANES], sums[b + _LANES + _LANES]
        shifts[b] = _1 * (np.uint32(x > y) + np.uint32(x > z))
        shifts[b + _LANES] = _1 * (np.uint32(y >= x) + np.uint32(y > z))
        shifts[b + _LANES + _LANES] = _1 * (np.uint32(z >= x) + np.uint32(z >= y))
    for b in range(count):
        green, blue = b + _LANES, b + _LANES + _LANES
        if sums[b] == sums[green] or sums[b] == sums[blue] or sums[green] == sums[blue]:
            settle(buffer, n, b, green, sums, shifts)
            settle(buffer, n, b, blue, sums, shifts)
            settle(buffer, n, green, blue, sums, shifts)


@jit
def average_quarters(buffer: Any, n: Any, sums: Any) -> None:
    """Replace each quarter of every column's n sorted values by its mean, halves up."""
    for quarter in range(_4):
        first, last = quarter * n // _4, (quarter + np.uint64(1)) * n // _4
        count = last - first
        # Multiplying and shifting divides sums below 256 * count exactly up to count = 2^16, sub-blocks of 512 pixels.
        inverse = (np.uint64(1) << np.uint64(40)) // count + np.uint64(1)
        sums[:] = count // np.uint64(2)
        for row in range(first * _ROW, last * _ROW, _ROW):
            for lane in range(_ROW):
                sums[lane] += buffer[row + lane]
        for lane in range(_ROW):
            sums[lane] = np.uint32(np.uint64(sums[lane]) * inverse >> np.uint64(40))
        for row in range(first * _ROW, last * _ROW, _ROW):
            for lane in range(_ROW):
                buffer[row + lane] = sums[lane]


@jit
def sort_rows(source: Any, out: Any, width: int, height: int, s: int, quartered: bool) -> None:
    """A band of `height` rows of pixels, whole sub-blocks; `source` and `out` from `grid.flat`.

    With `quartered` the quarters of the sorted values become their means. Channels are put in order either way.
    """
    wide, side = np.uint64(width), np.uint64(s)
    across, n = wide // side, side * side
    rows = rows_for(s * s)
    pixels, buffer = np.empty(s * s * LANES // 3, np.uint32), np.full(rows * LANES, np.uint8(255))
    sums, shifts = np.empty(LANES, np.uint32), np.empty(LANES, np.uint32)
    near = source.copy()  # streamed into the cache: reading sub-blocks straight from memory waits for each
    for t in range(np.uint64(height // s)):
        for first in range(np.uint64(0), across, _LANES):
            count = min(_LANES, across - first)
            at = _THREE * side * (t * wide + first)
            load_group(near, at, wide, side, count, _LANES, pixels)
            for i in range(n):
                row, to = i * _LANES, i * _ROW
                for b in range(count):
                    packed = pixels[row + b]
                    buffer[to + b] = np.uint8(packed)
                    buffer[to + _LANES + b] = np.uint8(packed >> _1)
                    buffer[to + _LANES + _LANES + b] = np.uint8(packed >> _2)
            sort_columns(buffer, rows)
            if quartered:
                average_quarters(buffer, n, sums)
            order_channels(buffer, n, count, sums, shifts)
            for i in range(n):
                row, at_value = i * _LANES, i * _ROW
                for b in range(count):
                    red = np.uint32(buffer[at_value + b]) << shifts[b]
                    green = np.uint32(buffer[at_value + _LANES + b]) << shifts[_LANES + b]
                    blue = np.uint32(buffer[at_value + _LANES + _LANES + b]) << shifts[_LANES + _LANES + b]
                    pixels[row + b] = red | green | blue
            store_group(out, at, wide, side, count, _LANES, pixels)
