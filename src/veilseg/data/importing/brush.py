"""The run lengths in which Label Studio keeps brush strokes: bytes of an RGBA picture, packed by @thi.ng/rle-pack."""

from __future__ import annotations

from typing import Any

import numpy as np

from veilseg.errors import InvalidDataError


class _Bits:
    """The bits of bytes, from the highest of the first."""

    def __init__(self, data: bytes) -> None:
        self._data, self._place = data, 0

    def take(self, count: int) -> int:
        """The next `count` bits (at most 32) as a number; raises InvalidDataError past the end."""
        first, last = self._place // 8, (self._place + count + 7) // 8
        if last > len(self._data):
            raise InvalidDataError("has a brush stroke that ends too early")
        window = int.from_bytes(self._data[first:last], "big")
        self._place += count
        return window >> (8 * last - self._place) & ((1 << count) - 1)


def read_brush(rle: Any, size: tuple[int, int]) -> np.ndarray:
    """The mask, bool [H, W] of what a stroke covers. Raises InvalidDataError for what is none, or of another size.

    The stream: 32 bits number of values, 5 bits their width less one, four times 4 bits a length's width less one;
    then groups: 1 bit (a run, or values as they are), 2 bits which width, the length less one, the value or values.
    """
    if not isinstance(rle, list) or not all(type(byte) is int and 0 <= byte < 256 for byte in rle):
        raise InvalidDataError("has a brush stroke that is no list of bytes")
    bits, values = _Bits(bytes(rle)), 4 * size[0] * size[1]
    if bits.take(32) != values:
        raise InvalidDataError("has a brush stroke on another size")
    width = bits.take(5) + 1
    lengths = [bits.take(4) + 1 for _ in range(4)]
    if width != 8:
        raise InvalidDataError(f"has a brush stroke of {width}-bit values, where 8 bits are known")
    filled, place = np.zeros(values, np.uint8), 0
    while place < values:
        is_run = bits.take(1)
        length = bits.take(lengths[bits.take(2)]) + 1
        if place + length > values:
            raise InvalidDataError("has a brush stroke that is longer than its photograph")
        if is_run:
            filled[place : place + length] = bits.take(8)
        else:
            filled[place : place + length] = [bits.take(8) for _ in range(length)]
        place += length
    return np.asarray(filled.reshape(*size, 4)[..., 3] > 0)
