"""The sub-block ciphers written a second time, value by value and as slowly as the description reads."""

from __future__ import annotations

import itertools
import struct
from collections.abc import Iterator

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


def encrypt(pixels: np.ndarray, subkey: bytes, block: int, s: int, channels: str, shuffle: str) -> np.ndarray:
    out = pixels.copy()
    bounds = list(range(2, s * s + 1)) * (1 if shuffle == "shared" else 3)
    bounds = (([2, 3] if channels == "sub-block" else []) + bounds) * (block // s) ** 2
    bounds = ([2, 3] if channels == "block" else []) + bounds
    for top in range(0, pixels.shape[0], block):
        source = words(subkey, top // block)
        for left in range(0, pixels.shape[1], block):
            draws = pairs(source, bounds)
            order = upwards(draws, 3) if channels == "block" else [0, 1, 2]
            for square in squares(top, left, block, s):
                if channels == "sub-block":
                    order = upwards(draws, 3)
                part = out[square].reshape(s * s, 3)[:, order]
                if shuffle == "shared":
                    part = part[upwards(draws, s * s)]
                else:
                    part = np.stack([part[upwards(draws, s * s), c] for c in range(3)], axis=1)
                out[square] = part.reshape(s, s, 3)
            assert set(draws) <= {0}  # what fills the last word
    return out


def canonicalize(pixels: np.ndarray, block: int, s: int, channels: str, shuffle: str) -> np.ndarray:
    out = pixels.copy()
    region = block if channels == "block" else s
    for top in range(0, pixels.shape[0], region):
        for left in range(0, pixels.shape[1], region):
            inside = squares(top, left, region, s)
            parts = [pixels[square].reshape(s * s, 3).tolist() for square in inside]

            def key(c: int, parts: list[list[list[int]]] = parts) -> tuple[int, list[list[int]]]:
                ordered = [sorted(pixel[c] for pixel in part) for part in parts]
                return sum(map(sum, ordered)), ordered

            candidates = [(0, 1, 2)] if channels == "none" else list(itertools.permutations(range(3)))
            if channels != "none":
                candidates = [order for order in candidates if key(order[0]) <= key(order[1]) <= key(order[2])]
            results = []
            for order in candidates:
                turned = [[[pixel[c] for c in order] for pixel in part] for part in parts]
                if shuffle == "shared":
                    results.append([sorted(part) for part in turned])
                else:
                    results.append([[list(p) for p in zip(*map(sorted, zip(*part)))] for part in turned])  # noqa: B905
            for square, part in zip(inside, min(results), strict=True):
                out[square] = np.array(part, np.uint8).reshape(s, s, 3)
    return out
