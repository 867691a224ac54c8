"""The shuffle of the sub-block cipher as a numba kernel: the same bits as `shuffle.reference_row`, many times faster.

The kernel reads words as if none had to be dropped, and returns True when one might have to be (once in some hundred
rows of blocks): the caller then sorts the words out and runs the kernel again with the accepted ones.

Arrays are flat and indices unsigned because slices count references and signed indices test for negative values, and
both cost more than the swap itself.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from veilseg.ciphers.jit import jit

# The order of the channels for the two draws j < 3 and k < 2, at 2 * j + k: swap places 2 and j, then 1 and k.
_ORDERS = np.array([[1, 2, 0], [2, 1, 0], [2, 0, 1], [0, 2, 1], [1, 0, 2], [0, 1, 2]], np.uint64)


@jit
def draw(words: Any, at: int, bounds: Any, draws: Any) -> bool:
    """Fill draws[t] with a number below bounds[t] from words[at + t], for all t.

    True if a word might have to be dropped: the exact rule (low half of the product < 2**32 mod bound) is a part of
    the cases found here.
    """
    doubt = np.uint32(0)
    for t in range(np.uint64(bounds.shape[0])):
        product = np.uint64(words[np.uint64(at) + t]) * np.uint64(bounds[t])
        draws[t] = np.uint32(product >> np.uint64(32))
        doubt |= np.uint32(np.uint32(product) < bounds[t])
    return bool(doubt != 0)


@jit
def load(source: Any, top: int, left: int, s: int, values: Any) -> None:
    """Copy one sub-block of source [p, 3 * W] into values [s*s * 3], pixel by pixel."""
    length = np.uint64(3 * s)
    at = np.uint64(0)
    for i in range(np.uint64(s)):
        y, x = np.uint64(top) + i, np.uint64(3 * left)
        for j in range(length):
            values[at + j] = source[y, x + j]
        at += length


@jit
def store(out: Any, top: int, left: int, s: int, values: Any, o0: Any, o1: Any, o2: Any) -> None:
    """Write values [s*s * 3] into one sub-block of out [p, 3 * W], channels in the order o0, o1, o2."""
    three = np.uint64(3)
    at = np.uint64(0)
    for i in range(np.uint64(s)):
        y, x = np.uint64(top) + i, np.uint64(3 * left)
        for _ in range(np.uint64(s)):
            out[y, x] = values[at + o0]
            out[y, x + np.uint64(1)] = values[at + o1]
            out[y, x + np.uint64(2)] = values[at + o2]
            at += three
            x += three


@jit
def swap_all(values: Any, draws: Any, d0: Any, d1: Any, d2: Any, s: int, inverse: bool) -> None:
    """Fisher-Yates on the three channels in values by the draws that begin at d0, d1, d2.

    The channels are worked on side by side because every one is a chain of swaps that wait for each other.
    """
    n, three = np.uint64(s * s), np.uint64(3)
    for step in range(n - np.uint64(1)):
        t = n - np.uint64(2) - step if inverse else step
        i = three * (n - np.uint64(1) - t)
        j = np.uint64(draws[d0 + t]) * three
        values[i], values[j] = values[j], values[i]
        i += np.uint64(1)
        j = np.uint64(draws[d1 + t]) * three + np.uint64(1)
        values[i], values[j] = values[j], values[i]
        i += np.uint64(1)
        j = np.uint64(draws[d2 + t]) * three + np.uint64(2)
        values[i], values[j] = values[j], values[i]


@jit
def shuffle_row(
    source: Any, out: Any, p: int, s: int, shared: bool, mode: int, inverse: bool, bounds: Any, words: Any
) -> bool:
    """Encrypt or decrypt one row of blocks; True as in `draw`.

    source, out: uint8 [p, 3 * W]; mode: channels permuted per sub-block (2), per block (1) or not (0); bounds: uint32,
    those of the draws for one block; words: uint32, one for every draw of the row.
    """
    values, draws = np.empty(3 * s * s, np.uint8), np.empty(bounds.shape[0], np.uint32)
    swaps = np.uint64(s * s - 1)
    gap = np.uint64(0) if shared else swaps  # from the draws of a channel to those of the next
    swaps = swaps if shared else np.uint64(3) * swaps
    last = np.uint64(bounds.shape[0] - 2)
    k = np.uint64(5)  # the channels stay
    doubtful = False
    for block in range(source.shape[1] // (3 * p)):
        doubtful |= draw(words, block * bounds.shape[0], bounds, draws)
        if mode == 1:
            k = np.uint64(2 * draws[last] + draws[last + np.uint64(1)])
        at = np.uint64(0)
        for y in range(0, p, s):
            for x in range(block * p, block * p + p, s):
                load(source, y, x, s, values)
                first = at
                at += swaps
                if mode == 2:
                    k = np.uint64(2 * draws[at] + draws[at + np.uint64(1)])
                    at += np.uint64(2)
                o0, o1, o2 = _ORDERS[k, 0], _ORDERS[k, 1], _ORDERS[k, 2]
                if inverse:  # place c holds channel o_c: undo the shuffle of that channel, then send it back
                    swap_all(values, draws, first + o0 * gap, first + o1 * gap, first + o2 * gap, s, True)
                    back = np.uint64(2) - k if k == 0 or k == 2 else k  # rotations undo each other, all else itself
                    o0, o1, o2 = _ORDERS[back, 0], _ORDERS[back, 1], _ORDERS[back, 2]
                else:
                    swap_all(values, draws, first, first + gap, first + gap + gap, s, False)
                store(out, y, x, s, values, o0, o1, o2)
    return doubtful
