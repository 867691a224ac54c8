"""Randomness from a subkey: AES-256-CTR as 32-bit words, and exactly uniform draws from them."""

from __future__ import annotations

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from numpy.typing import NDArray

Words = NDArray[np.uint32]
_ZEROS = memoryview(bytes(2**18))  # a row of blocks at once: between calls threads wait for each other


class Keystream:
    """The keystreams of one 32-byte subkey: 2**64 independent streams of 32-bit words.

    Stream `index` is AES-256-CTR from the 16-byte counter block uint64 BE index || uint64 BE zero, read as
    little-endian words. Streams are reached in any order, so rows of blocks can be worked on in any order. An instance
    serves one thread.
    """

    __slots__ = ("_buffer", "_encryptor")

    def __init__(self, subkey: bytes) -> None:
        self._encryptor = Cipher(algorithms.AES256(subkey), modes.CTR(bytes(16))).encryptor()
        self._buffer = bytearray()

    def words(self, stream: int, count: int, skip: int = 0) -> Words:
        """Words skip..skip+count of a stream: uint32 [count], valid until the next call of any method."""
        lead = skip % 4  # four words to a counter block
        return self._fill(range(stream, stream + 1), lead + count, skip // 4)[0, lead:]

    def rows(self, first: int, streams: int, count: int) -> Words:
        """The first words of streams first, first + 1, ...: uint32 [streams, count], valid until the next call."""
        return self._fill(range(first, first + streams), count, 0)

    def _fill(self, streams: range, count: int, counter: int) -> Words:
        """uint32 [streams, count] from this counter of each on, in rows of whole counter blocks."""
        size, stride = 4 * count, -(-count // 4) * 16
        if len(self._buffer) < len(streams) * stride + 15:  # kept: fresh pages cost more than the encryption itself
            self._buffer = bytearray(len(streams) * stride + 15)
        buffer = memoryview(self._buffer)
        for place, stream in enumerate(streams):
            self._encryptor.reset_nonce(stream.to_bytes(8, "big") + counter.to_bytes(8, "big"))
            for start in range(0, size, len(_ZEROS)):
                self._encryptor.update_into(_ZEROS[: size - start], buffer[place * stride + start :])
        words = np.frombuffer(self._buffer, "<u4", len(streams) * stride // 4).reshape(len(streams), -1)
        return words[:, :count].astype(np.uint32, copy=False)

    def accepted(self, stream: int, bounds: Words) -> Words:
        """The words of a stream that the draws below `bounds` really use: uint32 of the shape [draws] of `bounds`.

        A draw below n takes the next word w and gives floor(w * n / 2**32), unless the low half of w * n is below
        2**32 mod n: then w is dropped and the next word is tried [Lemire 2019]. This makes every value exactly
        equally likely. Words are rarely dropped, so it is checked for thousands of draws at once.
        """
        wide = bounds.astype(np.uint64)
        threshold = 2**32 % wide
        accepted = np.empty(len(bounds), np.uint32)
        done = used = 0
        while done < len(bounds):
            words = self.words(stream, min(len(bounds) - done, 4096), used)
            part = slice(done, done + len(words))
            rejected = (words * wide[part] & 0xFFFFFFFF) < threshold[part]
            kept = int(rejected.argmax()) if rejected.any() else len(words)
            accepted[done : done + kept] = words[:kept]
            done += kept
            used += kept + (kept < len(words))
        return accepted

    def draw(self, stream: int, bounds: Words) -> NDArray[np.int64]:
        """Exactly uniform whole numbers 0 <= d[i] < bounds[i] from the beginning of a stream: int64 [draws]."""
        return (self.accepted(stream, bounds) * bounds.astype(np.uint64) >> np.uint64(32)).astype(np.int64)


def descending(count: int) -> Words:
    """The bounds count, count - 1, ..., 2 of the draws that shuffle `count` things (Fisher-Yates): uint32."""
    return np.arange(count, 1, -1, dtype=np.uint32)


def shuffled(count: int, keystream: Keystream, stream: int = 0) -> NDArray[np.int64]:
    """A uniform permutation of 0..count-1: Fisher-Yates, for i = count-1 down to 1 swapping i with a draw <= i."""
    permutation = np.arange(count)
    for i, j in zip(range(count - 1, 0, -1), keystream.draw(stream, descending(count)).tolist(), strict=True):
        permutation[i], permutation[j] = permutation[j], permutation[i]
    return permutation
