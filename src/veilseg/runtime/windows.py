"""Sliding windows on the block grid: how an image larger than the network likes is cut and put together again."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from veilseg.errors import UsageError


def snap(window: tuple[int, int], step: int) -> tuple[int, int]:
    """The largest window on the grid of `step` pixels that is not larger than `window` (height, width).

    Raises UsageError when the window holds no whole block: nothing can be read from less than one.
    """
    if min(window) < step:
        raise UsageError(f"a window of {window[0]}x{window[1]} is smaller than one block of {step}x{step}")
    return window[0] // step * step, window[1] // step * step


def starts(length: int, window: int, step: int, overlap: float) -> list[int]:
    """Where windows of `window` pixels begin along `length` pixels (both multiples of `step`): all multiples of `step`.

    Neighbours share at least the fraction `overlap` (0 <= overlap < 1) of a window; the last one ends where the image
    ends. A block cut by a window's border could not be read, hence the grid.
    """
    if not 0 <= overlap < 1:
        raise UsageError(f"the overlap of windows is a fraction from 0 to below 1, not {overlap}")
    if length <= window:
        return [0]
    stride = max(step, int(window * (1 - overlap)) // step * step)
    return [*range(0, length - window, stride), length - window]


def taper(window: int) -> np.ndarray:
    """The weight of every position along a window: float32 [window], highest in the middle, above 0 at the border.

    Near its border a window sees less of what is around a pixel than its neighbour does, so it counts less there, and
    no seam shows where a window ends.
    """
    places = np.arange(window, dtype=np.float32) + 0.5
    return np.asarray(np.minimum(places, window - places) / (window / 2), np.float32)


def slide_bands(
    pixels: np.ndarray,
    run: Callable[[np.ndarray], np.ndarray],
    window: tuple[int, int],
    step: int,
    overlap: float,
) -> Iterator[tuple[int, np.ndarray]]:
    """Logits of `pixels` [H, W, C] from top to bottom, as bands (first row, float32 [K, rows, W]) without gaps.

    Computed by `run` window by window; overlaps are blended with weights from `taper`. H, W and `window` (height,
    width) are multiples of `step`; `run` maps [h, w, C] to float32 [K, h, w]. Memory is held for one row of windows: a
    band is only valid until the next is asked for.
    """
    sides = (min(window[0], pixels.shape[0]), min(window[1], pixels.shape[1]))
    rows, columns = (starts(n, w, step, overlap) for n, w in zip(pixels.shape[:2], sides, strict=True))
    weight = taper(sides[0])[:, None] * taper(sides[1])
    total: np.ndarray | None = None
    weights = np.zeros((sides[0], pixels.shape[1]), np.float32)
    for y, below in zip(rows, [*rows[1:], pixels.shape[0]], strict=True):
        for x in columns:
            logits = run(pixels[y : y + sides[0], x : x + sides[1]])
            if total is None:
                total = np.zeros((logits.shape[0], *weights.shape), np.float32)
            total[:, :, x : x + sides[1]] += logits * weight
            weights[:, x : x + sides[1]] += weight
        assert total is not None  # columns are never empty
        done = below - y  # the next windows do not reach the rows before that
        total[:, :done] /= weights[:done]
        yield y, total[:, :done]
        for buffer in (total, weights):
            buffer[..., : sides[0] - done, :] = buffer[..., done:, :]
            buffer[..., sides[0] - done :, :] = 0


def slide(
    pixels: np.ndarray,
    run: Callable[[np.ndarray], np.ndarray],
    window: tuple[int, int],
    step: int,
    overlap: float,
) -> np.ndarray:
    """The bands of `slide_bands` in one: float32 [K, H, W]."""
    return np.concatenate([band.copy() for _, band in slide_bands(pixels, run, window, step, overlap)], axis=1)
