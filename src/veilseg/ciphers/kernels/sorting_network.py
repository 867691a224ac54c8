"""A sorting network as a numba kernel: the columns of many sub-blocks side by side, with no branches.

Bitonic merging (Knuth, TAOCP 3, 5.3.4): two sorted halves are compared end against end, after which every half is
compared with itself at half the distance, down to neighbours. Each comparison is one minimum and one maximum over a
whole vector of lanes. The comparisons among 16 neighbouring rows are done in registers, between one load and one store.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from veilseg.ciphers.kernels.jit import jit

LANES = 96  # 32 sub-blocks of three channels: 256 rows of 32 bits fit the second-level cache, 64 the first
ROWS = tuple(np.uint64(LANES * row) for row in range(17))  # where rows begin; signed indices would be tested for < 0
_NEAR = np.uint64(64 * LANES)  # this many values fit the first-level cache
_ONE = np.uint64(1)


@jit
def rows_for(count: int) -> int:
    """How many rows a buffer needs whose columns hold `count` values: the next power of two, at least 16.

    The rows behind hold the largest value there is: it stays behind.
    """
    rows = 16
    while rows < count:
        rows *= 2
    return rows


@jit
def less_first(a: Any, b: Any) -> Any:
    """The smaller and the larger of two values."""
    return (a if a < b else b), (b if a < b else a)


@jit
def clean4(values: Any) -> Any:
    """Sort four values that compared halves have left, at the distances 2 and 1."""
    a, b, c, d = values
    a, c = less_first(a, c)
    b, d = less_first(b, d)
    a, b = less_first(a, b)
    c, d = less_first(c, d)
    return a, b, c, d


@jit
def clean8(values: Any) -> Any:
    """The same of eight values, at the distances 4, 2 and 1."""
    a, b, c, d, e, f, g, h = values
    a, e = less_first(a, e)
    b, f = less_first(b, f)
    c, g = less_first(c, g)
    d, h = less_first(d, h)
    return clean4((a, b, c, d)) + clean4((e, f, g, h))


@jit
def sort4(values: Any) -> Any:
    """Sort four values."""
    a, b, c, d = values
    a, b = less_first(a, b)
    c, d = less_first(c, d)
    a, c = less_first(a, c)
    b, d = less_first(b, d)
    b, c = less_first(b, c)
    return a, b, c, d


@jit
def sort8(values: Any) -> Any:
    """Sort eight values: two sorted fours, compared end against end."""
    a, b, c, d, e, f, g, h = values
    a, b, c, d = sort4((a, b, c, d))
    e, f, g, h = sort4((e, f, g, h))
    a, h = less_first(a, h)
    b, g = less_first(b, g)
    c, f = less_first(c, f)
    d, e = less_first(d, e)
    return clean4((a, b, c, d)) + clean4((e, f, g, h))


@jit
def load8(buffer: Any, at: Any) -> Any:
    """The values of one lane in eight rows."""
    a, b, c, d = buffer[at], buffer[at + ROWS[1]], buffer[at + ROWS[2]], buffer[at + ROWS[3]]
    return a, b, c, d, buffer[at + ROWS[4]], buffer[at + ROWS[5]], buffer[at + ROWS[6]], buffer[at + ROWS[7]]


@jit
def store8(buffer: Any, at: Any, values: Any) -> None:
    """Write the values of one lane into eight rows."""
    a, b, c, d, e, f, g, h = values
    buffer[at], buffer[at + ROWS[1]], buffer[at + ROWS[2]], buffer[at + ROWS[3]] = a, b, c, d
    buffer[at + ROWS[4]], buffer[at + ROWS[5]], buffer[at + ROWS[6]], buffer[at + ROWS[7]] = e, f, g, h


@jit
def sort16(buffer: Any, start: Any) -> None:
    """Sort 16 rows from the place `start` on."""
    for at in range(start, start + ROWS[1]):
        a, b, c, d, e, f, g, h = sort8(load8(buffer, at))
        q, r, s, t, u, v, w, x = sort8(load8(buffer, at + ROWS[8]))
        a, x = less_first(a, x)
        b, w = less_first(b, w)
        c, v = less_first(c, v)
        d, u = less_first(d, u)
        e, t = less_first(e, t)
        f, s = less_first(f, s)
        g, r = less_first(g, r)
        h, q = less_first(h, q)
        store8(buffer, at, clean8((a, b, c, d, e, f, g, h)))
        store8(buffer, at + ROWS[8], clean8((q, r, s, t, u, v, w, x)))


@jit
def clean16(buffer: Any, start: Any) -> None:
    """Sort 16 rows that compared halves have left, at the distances 8, 4, 2 and 1."""
    for at in range(start, start + ROWS[1]):
        a, b, c, d, e, f, g, h = load8(buffer, at)
        q, r, s, t, u, v, w, x = load8(buffer, at + ROWS[8])
        a, q = less_first(a, q)
        b, r = less_first(b, r)
        c, s = less_first(c, s)
        d, t = less_first(d, t)
        e, u = less_first(e, u)
        f, v = less_first(f, v)
        g, w = less_first(g, w)
        h, x = less_first(h, x)
        store8(buffer, at, clean8((a, b, c, d, e, f, g, h)))
        store8(buffer, at + ROWS[8], clean8((q, r, s, t, u, v, w, x)))


@jit
def compare_rows(buffer: Any, low: Any, high: Any) -> None:
    """The smaller values to the row at `low`, the larger ones to the row at `high`."""
    for lane in range(ROWS[1]):
        a, b = less_first(buffer[low + lane], buffer[high + lane])
        buffer[low + lane], buffer[high + lane] = a, b


@jit
def compare_halves(buffer: Any, start: Any, size: Any) -> None:
    """Compare the two halves of what begins at `start`, row by row; size: in places of the buffer."""
    half = size >> _ONE
    for low in range(start, start + half, ROWS[1]):
        compare_rows(buffer, low, low + half)


@jit
def clean(buffer: Any, start: Any, size: Any) -> None:
    """Sort what compared halves have left, at half of `size` and below; the near distances piece by piece."""
    far = size
    while far > _NEAR:
        for at in range(start, start + size, far):
            compare_halves(buffer, at, far)
        far >>= _ONE
    for piece in range(start, start + size, far):
        near = far
        while near > ROWS[16]:
            for at in range(piece, piece + far, near):
                compare_halves(buffer, at, near)
            near >>= _ONE
        for at in range(piece, piece + far, ROWS[16]):
            clean16(buffer, at)


@jit
def merge(buffer: Any, start: Any, size: Any) -> None:
    """Make one sorted part of two halves that are sorted."""
    half = size >> _ONE
    for row in range(np.uint64(0), half, ROWS[1]):
        compare_rows(buffer, start + row, start + size - ROWS[1] - row)
    clean(buffer, start, half)
    clean(buffer, start + half, half)


@jit
def sort_columns(buffer: Any, rows: int) -> None:
    """Sort every column of buffer [rows * LANES] in place; rows: 16, 32, 64, ..."""
    end = np.uint64(rows) * ROWS[1]
    near = min(end, _NEAR)
    for piece in range(np.uint64(0), end, near):
        for start in range(piece, piece + near, ROWS[16]):
            sort16(buffer, start)
        size = ROWS[16] + ROWS[16]
        while size <= near:
            for start in range(piece, piece + near, size):
                merge(buffer, start, size)
            size <<= _ONE
    size = near << _ONE
    while size <= end:
        for start in range(np.uint64(0), end, size):
            merge(buffer, start, size)
        size <<= _ONE
