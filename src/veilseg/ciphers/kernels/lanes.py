"""From an image into lanes and back: the pixels of many sub-blocks side by side, three bytes of 32 bits each.

Place i * lanes + b holds pixel i (row by row) of sub-block b: red in the lowest byte, then green, then blue.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from veilseg.ciphers.kernels.jit import jit

_THREE, _FOUR = np.uint64(3), np.uint64(4)  # signed indices would be tested for being negative
_BYTE, _PAIR, _PIXEL = np.uint32(0xFF), np.uint32(0xFFFF), np.uint32(0xFFFFFF)
_1, _2, _3 = np.uint32(8), np.uint32(16), np.uint32(24)  # where the bytes behind the first begin


@jit
def load(source: Any, start: Any, width: Any, s: Any, count: Any, lanes: Any, pixels: Any) -> None:
    """Pack the pixels of `count` sub-blocks from source [p * 3 * W], place `start`, into pixels [s*s * lanes]."""
    row = np.uint64(0)
    for _ in range(s):
        at = start
        for b in range(count):
            to = row + b
            for _ in range(s):
                red, green, blue = source[at], source[at + np.uint64(1)], source[at + np.uint64(2)]
                pixels[to] = np.uint32(red) | np.uint32(green) << _1 | np.uint32(blue) << _2
                at += _THREE
                to += lanes
        start += _THREE * width
        row += s * lanes


@jit
def store(out: Any, start: Any, width: Any, s: Any, count: Any, lanes: Any, pixels: Any) -> None:
    """The way back from `load`."""
    row = np.uint64(0)
    for _ in range(s):
        to = start
        for b in range(count):
            at = row + b
            for _ in range(s):
                packed = pixels[at]
                out[to] = packed & _BYTE
                out[to + np.uint64(1)] = packed >> _1 & _BYTE
                out[to + np.uint64(2)] = packed >> _2 & _BYTE
                to += _THREE
                at += lanes
        start += _THREE * width
        row += s * lanes


@jit
def load_words(source: Any, start: Any, width: Any, s: Any, count: Any, lanes: Any, pixels: Any) -> None:
    """`load` for s = 4, 8, ...: source uint32, where three words hold four pixels; `start` counts words."""
    length, row = _THREE * s // _FOUR, np.uint64(0)
    for _ in range(s):
        for word in range(start, start + length, _THREE):
            at = word
            for to in range(row, row + count):
                x, y, z = source[at], source[at + np.uint64(1)], source[at + np.uint64(2)]
                pixels[to] = x & _PIXEL
                pixels[to + lanes] = x >> _3 | (y & _PAIR) << _1
                pixels[to + lanes + lanes] = y >> _2 | (z & _BYTE) << _2
                pixels[to + _THREE * lanes] = z >> _1
                at += length
            row += _FOUR * lanes
        start += _THREE * width // _FOUR


@jit
def store_words(out: Any, start: Any, width: Any, s: Any, count: Any, lanes: Any, pixels: Any) -> None:
    """The way back from `load_words`."""
    length, row = _THREE * s // _FOUR, np.uint64(0)
    for _ in range(s):
        for word in range(start, start + length, _THREE):
            to = word
            for at in range(row, row + count):
                a, b = pixels[at], pixels[at + lanes]
                c, d = pixels[at + lanes + lanes], pixels[at + _THREE * lanes]
                out[to] = a | b << _3
                out[to + np.uint64(1)] = b >> _1 | c << _2
                out[to + np.uint64(2)] = c >> _2 | d << _1
                to += length
            row += _FOUR * lanes
        start += _THREE * width // _FOUR


@jit
def load_group(source: Any, start: Any, width: Any, s: Any, count: Any, lanes: Any, pixels: Any) -> None:
    """Fill pixels [s*s * lanes] with `count` sub-blocks of source (from `grid.flat`), the first at value `start`."""
    if source.itemsize == 4:
        load_words(source, start // _FOUR, width, s, count, lanes, pixels)
    else:
        load(source, start, width, s, count, lanes, pixels)


@jit
def store_group(out: Any, start: Any, width: Any, s: Any, count: Any, lanes: Any, pixels: Any) -> None:
    """The way back from `load_group`."""
    if out.itemsize == 4:
        store_words(out, start // _FOUR, width, s, count, lanes, pixels)
    else:
        store(out, start, width, s, count, lanes, pixels)
