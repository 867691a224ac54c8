"""How large a picture is when it is encrypted: photographs reduced to a working size, label maps enlarged again.

How much a cell hides, and what a model can find, depends on how many cells a picture has. So a photograph is reduced
before encryption, and the label map comes back at the photograph's size. The web page computes the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from veilseg.errors import UsageError

Pixels = NDArray[np.uint8]
#: Brings a photograph, uint8 [H, W, 3], to a model's working size.
Resize = Callable[[Pixels], Pixels]

#: `longer_side` for a photograph that is to stay as it is.
ORIGINAL = 0
MAX_LONGER_SIDE = 1 << 16


def check_longer_side(longer_side: object) -> None:
    """Raise UsageError for anything but ORIGINAL and whole numbers of pixels up to MAX_LONGER_SIDE."""
    if type(longer_side) is not int or not 0 <= longer_side <= MAX_LONGER_SIDE:
        raise UsageError(f"a picture's longer side cannot have {longer_side!r} pixels", "480 is usual")


def working_size(height: int, width: int, longer_side: int) -> tuple[int, int]:
    """(height, width) of a picture whose longer side is at most `longer_side` pixels; smaller ones stay as they are.

    The shorter side is rounded, halves up, to at least 1. ORIGINAL keeps every size. Raises UsageError for sides that
    are none.
    """
    check_longer_side(longer_side)
    longest = max(height, width)
    if longer_side == ORIGINAL or longest <= longer_side:
        return height, width
    shorter = max(1, (2 * min(height, width) * longer_side + longest) // (2 * longest))
    return (longer_side, shorter) if height >= width else (shorter, longer_side)


def reduce_photograph(pixels: Pixels, longer_side: int) -> Pixels:
    """A photograph at its working size: every pixel the mean of the light that fell on its area.

    Args:
        pixels: uint8 [H, W, 3], sRGB.
        longer_side: in pixels, or ORIGINAL.

    Returns:
        uint8 [h, w, 3]; the array itself where nothing is to be reduced. Light is counted in whole numbers, so that
        the web page gets the same pixels, bit for bit.
    """
    height, width = pixels.shape[:2]
    size = working_size(height, width, longer_side)
    if size == (height, width):
        return pixels
    to_light, to_srgb = _tables()
    rows = np.empty((size[0], *pixels.shape[1:]))  # float64 holds every whole number up to 2 ** 53
    for index, (first, last, shares) in enumerate(_areas(height, size[0])):  # a part at a time: less memory
        rows[index] = np.tensordot(shares, to_light[pixels[first:last]], axes=1)
    light = np.empty((*size, 3))
    for index, (first, last, shares) in enumerate(_areas(width, size[1])):
        light[:, index] = np.tensordot(shares, rows[:, first:last], axes=(0, 1))
    reduced: Pixels = to_srgb[(light // (height * width)).astype(np.uint16)]
    return reduced


def enlarge_scores(scores: NDArray[np.float32], height: int, width: int) -> Pixels:
    """The label map of class scores float32 [K, h, w] at another size: uint8 [height, width].

    At every place the class of the greatest score, interpolated linearly between the centres of the map's pixels; of
    equals the lowest id.
    """
    return _greatest(enumerate(scores), height, width)


def enlarge_labels(labels: Pixels, height: int, width: int) -> Pixels:
    """A label map at another size, with smooth borders between classes instead of steps.

    Args:
        labels: uint8 [h, w], class ids.
        height, width: the size wanted, in pixels.

    Returns:
        uint8 [height, width]: at every place the class whose membership, interpolated linearly between the centres of
        the map's pixels, is the greatest; of equals the lowest id.
    """
    if labels.shape == (height, width):
        return labels
    masks = ((int(label), np.where(labels == label, 255, 0).astype(np.uint8)) for label in np.unique(labels))
    return _greatest(masks, height, width)


def _greatest(planes: Iterable[tuple[int, NDArray[Any]]], height: int, width: int) -> Pixels:
    """At every place the id whose plane [h, w], enlarged, has the greatest value; of equals the first."""
    from PIL import Image

    result = np.zeros((height, width), np.uint8)
    best: NDArray[Any] | None = None
    for label, plane in planes:
        enlarged = np.array(Image.fromarray(plane).resize((width, height), Image.Resampling.BILINEAR))
        if best is None:
            best = enlarged
            result.fill(label)
        else:
            np.copyto(result, label, where=enlarged > best)
            np.maximum(best, enlarged, out=best)
    return result


def _areas(length: int, count: int) -> Iterator[tuple[int, int, NDArray[np.float64]]]:
    """`length` pixels in `count` equal areas: first and last (excluded) pixel of each, and their shares.

    A share is counted in 1 / `count` of a pixel, so that it is a whole number; those of an area sum to `length`.
    """
    for index in range(count):
        start, stop = index * length, (index + 1) * length
        first, last = start // count, -(-stop // count)
        shares = np.full(last - first, float(count))
        shares[0] -= start - first * count
        shares[-1] -= last * count - stop
        yield first, last, shares


@cache
def _tables() -> tuple[NDArray[np.float64], Pixels]:
    """Light 0..65535, rounded, of the sRGB values 0..255, and the nearest sRGB value of every light, uint8 [65536]."""
    half_steps = np.arange(511) / 510
    light = np.where(half_steps <= 0.04045, half_steps / 12.92, ((half_steps + 0.055) / 1.055) ** 2.4)  # IEC 61966-2-1
    light = np.round(65535 * light)
    return light[::2], np.searchsorted(light[1::2], np.arange(65536), side="right").astype(np.uint8)
