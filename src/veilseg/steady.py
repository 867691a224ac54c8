"""A standing camera: frames laid onto the first one, so that a point of the scene stays in its cell.

A camera that shakes shows every cell of a still scene in other places, and many frames together show more than one
(docs/video.md). Frames that are registered before encryption have equal cells again.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Shift = tuple[float, float]
"""How far down and to the right a frame's scene lies from the first frame's, in pixels."""

_LONGEST = 480  # pixels of a side on which shifts are estimated
_FARTHEST = 0.1  # of a side; beyond, the camera was turned
_SAME_SCENE = 0.5  # correlation of the slopes of two frames
_ROUNDS = 5
_SMALLEST = 32  # pixels of a side in which a shift can be seen
_INNER = slice(8, -8)  # edges are left out: what lay beyond them is not known
_SQUARE = 8  # pixels
_MOVED = 12.0  # levels by which the mean of a square changes where something moved


class Steady:
    """Lays frames of one size onto the first; a frame that shows another scene becomes the first itself."""

    def __init__(self) -> None:
        self._first: Pixels | None = None
        self._small: NDArray[np.float32] | None = None

    def register(self, pixels: Pixels) -> Pixels:
        """A frame, uint8 [H, W, 3], in the first one's place. What lies beyond its edge is the first one's."""
        step = _step(pixels)
        small = _means(pixels, step).mean(axis=2)
        if self._first is not None and self._small is not None and self._first.shape == pixels.shape:
            shift = find_shift(self._small, small)
            if shift is not None:
                down, right = shift[0] * step, shift[1] * step
                return _filled(shifted(pixels, -down, -right), self._first, -down, -right)
        self._first, self._small = pixels, small
        return pixels


def find_shift(first: NDArray[np.float32], other: NDArray[np.float32]) -> Shift | None:
    """Where `other` lies from `first`, both grey [H, W], to about 0.02 pixels; None for two scenes.

    Phase correlation finds it to a pixel, least squares on the slopes [Lucas 1981] the rest.
    """
    if min(first.shape) < _SMALLEST:
        return None
    window = np.outer(np.hanning(first.shape[0]), np.hanning(first.shape[1])).astype(np.float32)
    spectra = [np.fft.rfft2((one - one.mean()) * window) for one in (first, other)]
    cross = spectra[1] * spectra[0].conj()
    peak = np.fft.irfft2(cross / (np.abs(cross) + 1e-6), s=first.shape)
    place = np.unravel_index(int(peak.argmax()), peak.shape)
    shift = [float(at if at <= side // 2 else at - side) for at, side in zip(place, first.shape, strict=True)]
    slopes = _slopes(first)
    if any(abs(by) > _FARTHEST * side for by, side in zip(shift, first.shape, strict=True)):
        return None
    for _ in range(_ROUNDS):
        back = shifted(other, -shift[0], -shift[1])
        missing = (first - back)[_INNER, _INNER].ravel()
        missing -= np.median(missing)  # the light may change
        # A few large differences are things that move, not the camera.
        calm = np.abs(missing) <= 3 * np.median(np.abs(missing)) + 1
        step = np.linalg.lstsq(slopes[calm], missing[calm], rcond=None)[0]
        shift = [by + float(change) for by, change in zip(shift, step, strict=True)]
    there = _slopes(shifted(other, -shift[0], -shift[1]))
    likeness = (slopes * there).sum() / np.sqrt((slopes**2).sum() * (there**2).sum() + 1e-9)
    return (shift[0], shift[1]) if likeness > _SAME_SCENE else None


def _slopes(picture: NDArray[np.float32]) -> NDArray[np.float32]:
    """How a picture changes downwards and to the right, [N, 2], but at its edges."""
    slopes = [np.asarray(slope, np.float32)[_INNER, _INNER].ravel() for slope in np.gradient(picture)]
    return np.stack(slopes, axis=1)


def shifted(picture: NDArray[np.generic], down: float, right: float) -> NDArray[np.float32]:
    """A picture [H, W] or [H, W, 3] moved by parts of a pixel, float32: cubic convolution; edges are repeated."""
    moved = np.asarray(picture, np.float32)
    for axis, by in enumerate((down, right)):
        whole = int(np.floor(-by))
        part, length = -by - whole, moved.shape[axis]
        total = np.zeros_like(moved)
        for offset in (-1, 0, 1, 2):
            index = np.clip(np.arange(length) + whole + offset, 0, length - 1)
            total += np.float32(cubic(abs(part - offset))) * np.take(moved, index, axis)
        moved = total
    return moved


def cubic(far: float) -> float:
    """The weight of a sample that lies so many samples away, 0..2: cubic convolution [Keys 1981]."""
    return 1.5 * far**3 - 2.5 * far**2 + 1 if far <= 1 else -0.5 * far**3 + 2.5 * far**2 - 4 * far + 2


def _filled(moved: NDArray[np.float32], first: Pixels, down: float, right: float) -> Pixels:
    """Moved pixels as uint8, with the first frame's where they came from beyond the edge."""
    result: Pixels = np.clip(np.rint(moved), 0, 255).astype(np.uint8)
    for axis, by in enumerate((down, right)):
        edge = int(np.ceil(abs(by)))
        if edge:
            beyond = (slice(None),) * axis + (slice(0, edge) if by > 0 else slice(-edge, None),)
            result[beyond] = first[beyond]
    return result


def changed(before: Pixels, now: Pixels) -> bool:
    """Whether something moved between two registered frames, uint8 [H, W, 3]: a square is darker or lighter by far."""
    side = _SQUARE * _step(now)
    return before.shape != now.shape or bool(np.abs(_means(before, side) - _means(now, side)).max() > _MOVED)


def _step(pixels: Pixels) -> int:
    """The side of the squares that are looked at as one pixel."""
    longer: int = max(pixels.shape[:2])
    return max(1, -(-longer // _LONGEST))


def _means(pixels: Pixels, side: int) -> NDArray[np.float32]:
    """The mean of every channel of every whole square, float32 [H / side, W / side, 3]; small frames are one square."""
    side = min(side, *pixels.shape[:2])
    height, width = (length // side * side for length in pixels.shape[:2])
    squares = pixels[:height, :width].reshape(height // side, side, width // side, side, 3)
    means: NDArray[np.float32] = squares.mean(axis=(1, 3), dtype=np.float32)
    return means
