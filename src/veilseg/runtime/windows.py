"""Sliding windows on the block grid: how an image larger than the network likes is cut and put together again."""

from __future__ import annotations

from collections.abc import Callable

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


def slide(
    pixels: np.ndarray,
    run: Callable[[np.ndarray], np.ndarray],
    window: tuple[int, int],
    step: int,
    overlap: float,
) -> np.ndarray:
    """Logits float32 [K, H, W] of `pixels` [H, W, C], computed by `run` window by window; overlaps are averaged.

    H, W and `window` (height, width) are multiples of `step`; `run` maps [h, w, C] to float32 [K, h, w].
    """
    height, width = pixels.shape[:2]
    rows, columns = (starts(n, w, step, overlap) for n, w in zip((height, width), window, strict=True))
    total: np.ndarray | None = None
    count = np.zeros((height, width), np.float32)
    for y in rows:
        for x in columns:
            here = np.s_[y : y + window[0], x : x + window[1]]
            logits = run(pixels[here])
            if total is None:
                total = np.zeros((logits.shape[0], height, width), np.float32)
            total[:, here[0], here[1]] += logits
            count[here] += 1
    assert total is not None  # rows and columns are never empty
    total /= count
    return total
