"""The shuffle of the sub-block cipher as a numba kernel: the same bits as `shuffle.reference_row`, many times faster.

Arrays are flat and indices unsigned because slices count references and signed indices test for negative values, and
both cost more than a swap. Channel c of pixel i is value 3 * i + c everywhere.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from veilseg.ciphers.kernels.jit import jit

_0, _1, _2, _3 = (np.uint64(n) for n in range(4))
_LOW, _HIGH, _HALF = np.uint64(0xFFFFFFFF), np.uint64(0xFFFFFFFF00000000), np.uint64(32)
# The channels that come to places 0, 1, 2 by the draws j < 2 and k < 3, at 3 * j + k: swap 1 and j, then 2 and k.
_ORDERS = np.array([[2, 0, 1], [1, 2, 0], [1, 0, 2], [2, 1, 0], [0, 2, 1], [0, 1, 2]], np.uint64)


@jit
def draw(words: Any, at: Any, first: Any, second: Any, threshold: Any, draws: Any) -> bool:
    """The draws of a block, four from each of words[at:]; False where a word has to be dropped.

    Everything is uint64: two words, two bounds, two thresholds in one number, and four draws of 16 bits in order. The
    halves are worked on where they stand, because taking vectors apart costs more than multiplying them.
    """
    negative = _0
    for t in range(np.uint64(first.shape[0])):
        word, a, b, least = words[at + t], first[t], second[t], threshold[t]
        left, right = (word & _LOW) * (a & _LOW), (word >> _HALF) * (a >> _HALF)
        left_rest, right_rest = (left & _LOW) * (b & _LOW), (right & _LOW) * (b >> _HALF)
        draws[t] = left >> _HALF | right & _HIGH | (left_rest >> _HALF | right_rest & _HIGH) << np.uint64(16)
        negative |= ((left_rest & _LOW) - (least & _LOW)) | ((right_rest & _LOW) - (least >> _HALF))
    return bool(negative >> np.uint64(63) == _0)


@jit
def draw_slowly(words: Any, at: Any, first: Any, second: Any, threshold: Any, draws: Any) -> Any:
    """The same, dropping words, on words, bounds and thresholds of 32 bits and draws of 16.

    Returns where the words of the next block begin, or a place behind `words` if there are too few.
    """
    for t in range(np.uint64(first.shape[0])):
        while True:
            if at >= np.uint64(words.shape[0]):
                return at + _1
            product = np.uint64(words[at]) * np.uint64(first[t])
            rest = np.uint64(np.uint32(product)) * np.uint64(second[t])
            at += _1
            if np.uint32(rest) >= threshold[t]:
                break
        draws[_2 * t], draws[_2 * t + _1] = product >> _HALF, rest >> _HALF
    return at


@jit
def put(values: Any, i: Any, draws: Any, t: Any, gap: Any, source: Any, red: Any, green: Any, blue: Any) -> None:
    """One step of the shuffle for the three channels of pixel i: swap places i and j, where i is still to be read.

    The channels are worked on side by side because every one is a chain of steps that wait for each other.
    """
    j = _3 * np.uint64(draws[t])
    values[i] = values[j]
    values[j] = source[red]
    j = _3 * np.uint64(draws[t + gap]) + _1
    values[i + _1] = values[j]
    values[j] = source[green]
    j = _3 * np.uint64(draws[t + gap + gap]) + _2
    values[i + _2] = values[j]
    values[j] = source[blue]


@jit
def take(values: Any, i: Any, draws: Any, t: Any, gap: Any, out: Any, red: Any, green: Any, blue: Any) -> None:
    """The same step undone, where i is not needed any more but written."""
    j = _3 * np.uint64(draws[t])
    out[red] = values[j]
    values[j] = values[i]
    j = _3 * np.uint64(draws[t + gap]) + _1
    out[green] = values[j]
    values[j] = values[i + _1]
    j = _3 * np.uint64(draws[t + gap + gap]) + _2
    out[blue] = values[j]
    values[j] = values[i + _2]


@cache
def shuffle_rows(fixed: int, inverse: bool) -> Any:
    """The kernel that encrypts or decrypts sub-blocks of `fixed` pixels a side, which can be unrolled; 0: of any size.

    What is fixed in here is a constant for numba, which leaves out the branches that cannot be reached.
    """

    @jit
    def one_row(lines: Any, singles: Any, p: int, size: int, bounds: Any, words: Any) -> bool:
        """One row of blocks; False if `words` do not suffice because too many had to be dropped.

        Encrypting reads `singles` value by value and writes `lines`, decrypting the other way round: both hold
        3 * p * W bytes, singles as uint8, lines as `grid.flat` has them. Scattered reading costs less than scattered
        writing. bounds: uint32 [3, pairs], from `shuffle.block_bounds`; words: uint32, an even number.
        """
        s, side = np.uint64(fixed or size), np.uint64(size)
        # `side` is `s`, but no constant: where it stands, unrolling all of the loops made them slower (measured).
        gap = side * side - _1
        block, swaps, line, across = np.uint64(p), s * s - _1, _3 * s, np.uint64(p) // s
        stride, unit = np.uint64(singles.shape[0]) // block, np.uint64(lines.itemsize)
        values, draws = np.empty(3 * size * size, np.uint8), np.empty(2 * bounds.shape[1], np.uint16)
        whole = values.view(lines.dtype)
        first, second, threshold = bounds[0], bounds[1], bounds[2]
        two_words, four_draws = words.view(np.uint64), draws.view(np.uint64)
        two_first, two_second, two_threshold = first.view(np.uint64), second.view(np.uint64), threshold.view(np.uint64)
        at, length, count = _0, np.uint64(bounds.shape[1]), np.uint64(words.shape[0])
        for column in range(stride // (_3 * block)):
            quick = at % _2 == _0 and at + length <= count
            if quick and draw(two_words, at // _2, two_first, two_second, two_threshold, four_draws):
                at += length
            else:
                at = draw_slowly(words, at, first, second, threshold, draws)
                if at > count:
                    return False
            t = _0
            for row in range(across):
                corner = row * s * stride + column * _3 * block
                for _ in range(across):
                    order = _3 * np.uint64(draws[t]) + np.uint64(draws[t + _1])
                    t += _2
                    after = t + swaps + swaps + swaps
                    red, green, blue = _ORDERS[order, 0], _ORDERS[order, 1], _ORDERS[order, 2]
                    red, green, blue = red + corner, green + corner, blue + corner
                    if inverse:
                        for y in range(side):
                            for n in range(line // unit):
                                whole[y * line // unit + n] = lines[(corner + y * stride) // unit + n]
                        i, end, t = _3 * s * s, s * stride, t + swaps
                        for y in range(side):
                            end -= stride
                            x = end + line
                            for _ in range(s - np.uint64(y == s - _1)):
                                i -= _3
                                x -= _3
                                t -= _1
                                take(values, i, draws, t, swaps, singles, red + x, green + x, blue + x)
                        singles[red], singles[green], singles[blue] = values[0], values[1], values[2]
                    else:
                        values[0], values[1], values[2] = singles[red], singles[green], singles[blue]
                        i, start = _0, _0
                        for y in range(s):
                            top = np.uint64(y == _0)
                            x = start + _3 * top
                            for _ in range(s - top):
                                i += _3
                                put(values, i, draws, t, gap, singles, red + x, green + x, blue + x)
                                t += _1
                                x += _3
                            start += stride
                        for y in range(s):
                            for n in range(line // unit):
                                lines[(corner + y * stride) // unit + n] = whole[y * line // unit + n]
                    t = after
                    corner += line
        return True

    @jit
    def kernel(lines: Any, singles: Any, p: int, size: int, bounds: Any, words: Any) -> int:
        """Rows of blocks, one for each of `words` [rows, an even number]; how many were done before words ran out.

        Several at a time, because between calls threads wait for each other.
        """
        rows: int = words.shape[0]
        line, single = lines.shape[0] // rows, singles.shape[0] // rows
        for r in range(rows):
            ends = lines[r * line : (r + 1) * line], singles[r * single : (r + 1) * single]
            if not one_row(ends[0], ends[1], p, size, bounds, words[r]):
                return r
        return rows

    return kernel
