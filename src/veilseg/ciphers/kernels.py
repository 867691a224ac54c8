"""The sub-block ciphers as numba kernels: the same bits as `reference`, many times faster.

Every kernel works on a range of rows of blocks, holds no state and releases the GIL, so that `engine` may run
several of them in threads. Sorting is done by a sorting network over many sub-blocks side by side: each comparator is
one minimum and one maximum over a whole vector of bytes, with no branches.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from veilseg.ciphers.jit import jit
from veilseg.ciphers.network import LANES, rows_for, sort_columns


@jit
def sort_channels(pixels: Any, out: Any, start: int, stop: int, s: int) -> None:
    """Sort each channel of each sub-block of the pixel rows start..stop (multiples of s) into `out`."""
    buffer = np.full((rows_for(s * s), LANES), np.uint8(255))
    width = pixels.shape[1]
    group = LANES // 3 * s
    for top in range(start, stop, s):
        for left in range(0, width, group):
            count = min(group, width - left) // s
            for i in range(s):
                row = pixels[top + i]
                for j in range(s):
                    lane = buffer[i * s + j]
                    for b in range(count):
                        x = left + b * s + j
                        for c in range(3):
                            lane[b * 3 + c] = row[x, c]
            sort_columns(buffer.reshape(-1), buffer.shape[0])
            for i in range(s):
                row = out[top + i]
                for j in range(s):
                    lane = buffer[i * s + j]
                    for b in range(count):
                        x = left + b * s + j
                        for c in range(3):
                            row[x, c] = lane[b * 3 + c]


@jit
def compare_channels(ordered: Any, top: int, left: int, r: int, s: int, a: int, b: int) -> int:
    """-1, 0 or 1 as the sorted values of channel a of a region come before, equal or come after those of channel b."""
    for y in range(top, top + r, s):
        for x in range(left, left + r, s):
            for i in range(s):
                for j in range(s):
                    difference = np.int64(ordered[y + i, x + j, a]) - np.int64(ordered[y + i, x + j, b])
                    if difference != 0:
                        return -1 if difference < 0 else 1
    return 0


@jit
def order_channels(ordered: Any, top: int, left: int, r: int, s: int, order: Any) -> bool:
    """Write the canonical channel order of one region into order [3]; True if channels tie completely."""
    sums = np.zeros(3, np.int64)
    first, second, third = 0, 0, 0
    for y in range(top, top + r):
        for x in range(left, left + r):
            first += ordered[y, x, 0]
            second += ordered[y, x, 1]
            third += ordered[y, x, 2]
    sums[0], sums[1], sums[2] = first, second, third
    order[0], order[1], order[2] = 0, 1, 2
    tied = False
    for step in range(3):  # a sorting network for three
        k = 1 if step == 1 else 0
        a, b = order[k], order[k + 1]
        swap = sums[b] < sums[a]
        if sums[a] == sums[b]:
            sign = compare_channels(ordered, top, left, r, s, a, b)
            swap = sign > 0
            tied = tied or sign == 0
        if swap:
            order[k], order[k + 1] = b, a
    return tied


@jit
def reorder_channels(out: Any, start: int, stop: int, r: int, s: int) -> None:
    """Put the sorted channels of every r x r region of the rows start..stop into canonical order, in place."""
    order = np.zeros(3, np.int64)
    for top in range(start, stop, r):
        for left in range(0, out.shape[1], r):
            order_channels(out, top, left, r, s, order)
            o0, o1, o2 = order[0], order[1], order[2]
            if o0 == 0 and o1 == 1:
                continue
            for y in range(top, top + r):
                for x in range(left, left + r):
                    v0, v1, v2 = out[y, x, o0], out[y, x, o1], out[y, x, o2]
                    out[y, x, 0], out[y, x, 1], out[y, x, 2] = v0, v1, v2


@jit
def same_arrangement(pixels: Any, top: int, left: int, r: int, a: int, b: int) -> bool:
    """Whether two channels of a region are equal pixel for pixel."""
    for y in range(top, top + r):
        for x in range(left, left + r):
            if pixels[y, x, a] != pixels[y, x, b]:
                return False
    return True


@jit
def gather_channels(pixels: Any, out: Any, start: int, stop: int, r: int, s: int) -> bool:
    """Replace the sorted channels in `out` by those of `pixels` in canonical order, arranged as they are in `pixels`.

    True if somewhere channels tie that are arranged differently: their order takes more than sorted values to tell.
    """
    order = np.zeros(3, np.int64)
    open_ties = False
    for top in range(start, stop, r):
        for left in range(0, out.shape[1], r):
            if order_channels(out, top, left, r, s, order):
                for k in range(2):
                    a, b = order[k], order[k + 1]
                    if not open_ties and compare_channels(out, top, left, r, s, a, b) == 0:
                        open_ties = not same_arrangement(pixels, top, left, r, a, b)
            for y in range(top, top + r):
                for x in range(left, left + r):
                    for c in range(3):
                        out[y, x, c] = pixels[y, x, order[c]]
    return open_ties


@jit
def sort_pixels(pixels: Any, out: Any, start: int, stop: int, s: int) -> None:
    """Sort whole pixels lexicographically in each sub-block of the rows start..stop; `out` may be `pixels`."""
    buffer = np.full((rows_for(s * s), LANES), np.uint32(0xFFFFFFFF))
    width = pixels.shape[1]
    group = LANES * s
    for top in range(start, stop, s):
        for left in range(0, width, group):
            count = min(group, width - left) // s
            for i in range(s):
                for j in range(s):
                    for b in range(count):
                        pixel = pixels[top + i, left + b * s + j]
                        packed = np.uint32(pixel[0]) << 16 | np.uint32(pixel[1]) << 8 | np.uint32(pixel[2])
                        buffer[i * s + j, b] = packed
            sort_columns(buffer.reshape(-1), buffer.shape[0])
            for i in range(s):
                for j in range(s):
                    for b in range(count):
                        packed = buffer[i * s + j, b]
                        pixel = out[top + i, left + b * s + j]
                        pixel[0], pixel[1], pixel[2] = packed >> 16, packed >> 8 & 255, packed & 255


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
