"""The sub-block ciphers written a second time, value by value and as slowly as the description reads."""

from __future__ import annotations

import itertools
import struct
from collections.abc import Callable, Iterator

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

Square = tuple[slice, slice]


def words(subkey: bytes, stream: int) -> Iterator[int]:
    """The keystream from single AES blocks, without the library's counter mode."""
    encryptor = Cipher(algorithms.AES256(subkey), modes.ECB()).encryptor()
    for counter in itertools.count():
        yield from struct.unpack("<4I", encryptor.update(struct.pack(">QQ", stream, counter)))


def bounded(source: Iterator[int], bound: int) -> int:
    while True:
        product = next(source) * bound
        if product % 2**32 >= 2**32 % bound:
            return product >> 32


def fisher_yates(source: Iterator[int], count: int) -> list[int]:
    """The shuffle of the block ciphers: downwards, a word or more for every draw."""
    order = list(range(count))
    for i in range(count - 1, 0, -1):
        j = bounded(source, i + 1)
        order[i], order[j] = order[j], order[i]
    return order


def upwards(draws: Iterator[int], count: int) -> list[int]:
    """The shuffle of subblock-shuffle."""
    order = list(range(count))
    for i in range(1, count):
        j = next(draws)
        order[i], order[j] = order[j], order[i]
    return order


def pairs(source: Iterator[int], bounds: list[int]) -> Iterator[int]:
    """The draws of a block of subblock-shuffle, a word or more for two of them."""
    bounds = bounds + [1] * (-len(bounds) % 4)
    for a, b in zip(bounds[::2], bounds[1::2], strict=True):
        yield from divmod(bounded(source, a * b), b)


def squares(top: int, left: int, size: int, step: int) -> list[Square]:
    return [
        (slice(y, y + step), slice(x, x + step))
        for y in range(top, top + size, step)
        for x in range(left, left + size, step)
    ]


def shuffle(pixels: np.ndarray, subkey: bytes, block: int, s: int) -> np.ndarray:
    """subblock-shuffle."""
    out = pixels.copy()
    bounds = ([2, 3] + list(range(2, s * s + 1)) * 3) * (block // s) ** 2
    for top in range(0, pixels.shape[0], block):
        source = words(subkey, top // block)
        for left in range(0, pixels.shape[1], block):
            draws = pairs(source, bounds)
            for square in squares(top, left, block, s):
                part = out[square].reshape(s * s, 3)[:, upwards(draws, 3)]
                part = np.stack([part[upwards(draws, s * s), c] for c in range(3)], axis=1)
                out[square] = part.reshape(s, s, 3)
            assert set(draws) <= {0}  # what fills the last word
    return out


def each_sub_block(pixels: np.ndarray, s: int, change: Callable[[list[int]], list[int]]) -> Iterator[list[list[int]]]:
    """The values of the three channels of every sub-block, row by row, as `change` leaves them."""
    for top in range(0, pixels.shape[0], s):
        for left in range(0, pixels.shape[1], s):
            part = pixels[top : top + s, left : left + s].reshape(s * s, 3)
            yield [change(part[:, c].tolist()) for c in range(3)]


def joined(channels: Iterator[list[list[int]]], shape: tuple[int, ...], s: int) -> np.ndarray:
    out = np.empty(shape, np.uint8)
    for top in range(0, shape[0], s):
        for left in range(0, shape[1], s):
            out[top : top + s, left : left + s] = np.array(next(channels)).T.reshape(s, s, 3)
    return out


def in_order(channels: Iterator[list[list[int]]]) -> Iterator[list[list[int]]]:
    """The channels of every sub-block by their sums, ties by their values."""
    return (sorted(three, key=lambda values: (sum(values), values)) for three in channels)


def mean(values: list[int]) -> int:
    """Halves up."""
    return (2 * sum(values) + len(values)) // (2 * len(values))


def quarters(values: list[int]) -> list[int]:
    bounds = [quarter * len(values) // 4 for quarter in range(5)]
    parts = [sorted(values)[first:last] for first, last in itertools.pairwise(bounds)]
    return [mean(part) for part in parts for _ in part]


def canonicalize(pixels: np.ndarray, s: int) -> np.ndarray:
    """subblock-sort."""
    return joined(in_order(each_sub_block(pixels, s, sorted)), pixels.shape, s)


def quartiles(pixels: np.ndarray, s: int) -> np.ndarray:
    """subblock-quartiles."""
    return joined(in_order(each_sub_block(pixels, s, quarters)), pixels.shape, s)


def mosaic(pixels: np.ndarray, s: int) -> np.ndarray:
    """mosaic."""
    return joined(each_sub_block(pixels, s, lambda values: [mean(values)] * len(values)), pixels.shape, s)


#: What the ciphers without a key store.
REDUCED = {"subblock-sort": canonicalize, "subblock-quartiles": quartiles, "mosaic": mosaic}
