"""Sliding windows on the block grid: how an image larger than the network likes is cut and put together again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from typing import Protocol

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

    As few as share at least the fraction `overlap` (0 <= overlap < 1) of a window with their neighbours, evenly spaced;
    the last one ends where the image ends. A block cut by a window's border could not be read, hence the grid.
    """
    if not 0 <= overlap < 1:
        raise UsageError(f"the overlap of windows is a fraction from 0 to below 1, not {overlap}")
    if length <= window:
        return [0]
    stride = max(step, int(window * (1 - overlap)) // step * step)
    gaps = -(-(length - window) // stride)
    return [index * (length - window) // gaps // step * step for index in range(gaps + 1)]


def taper(window: int) -> np.ndarray:
    """The weight of every position along a window: float32 [window], highest in the middle, above 0 at the border.

    Near its border a window sees less of what is around a pixel than its neighbour does, so it counts less there, and
    no seam shows where a window ends.
    """
    places = np.arange(window, dtype=np.float32) + 0.5
    return np.asarray(np.minimum(places, window - places) / (window / 2), np.float32)


class Cuttable(Protocol):
    """What windows are cut from: an array [H, W, C], or what gives arrays for its rectangles, such as Padded."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    def __getitem__(self, part: tuple[slice, slice]) -> np.ndarray: ...


def slide_tiles(
    pixels: Cuttable,
    run: Callable[[np.ndarray], np.ndarray],
    window: tuple[int, int],
    step: int,
    overlap: float,
) -> Iterator[tuple[int, int, np.ndarray]]:
    """Logits of `pixels` [H, W, C] as tiles (first row, first column, float32 [K, h, w]) that cover it without overlap.

    Computed by `run` window by window, from the left and from the top; overlaps are blended with weights from `taper`.
    H, W and `window` (height, width) are multiples of `step`; `run` maps [h, w, C] to float32 [K, h, w]. Held in memory
    are two or three windows and, along the whole width, the rows that the next windows share with those before. A tile
    is only valid until the next is asked for.
    """
    height, width = pixels.shape[:2]
    sides = (min(window[0], height), min(window[1], width))
    rows, columns = (starts(n, w, step, overlap) for n, w in zip((height, width), sides, strict=True))
    tapers = [taper(side) for side in sides]
    weight = tapers[0][:, None] * tapers[1]
    row_sums, column_sums = _sums(rows, tapers[0]), _sums(columns, tapers[1])
    shared = max((y + sides[0] - below for y, below in pairwise(rows)), default=0)
    above: np.ndarray | None = None  # float32 [K, shared, W], of which the first `waiting` rows are in use
    waiting = 0
    for y, below in pairwise([*rows, height]):
        done = below - y  # rows that no later window reaches
        beside: np.ndarray | None = None
        for x, right in pairwise([*columns, width]):
            total = run(pixels[y : y + sides[0], x : x + sides[1]]) * weight
            if above is None:
                above = np.empty((len(total), shared, width), np.float32)
            if beside is not None:
                total[:, :, : beside.shape[2]] += beside
            ready, beside = total[:, :, : right - x], total[:, :, right - x :].copy()  # a view would hold the window
            ready[:, :waiting] += above[:, :waiting, x:right]
            if below < height:
                above[:, : sides[0] - done, x:right] = ready[:, done:]
            tile = ready[:, :done]
            tile /= row_sums[y:below, None] * column_sums[x:right]
            yield y, x, tile
        waiting = sides[0] - done


def _sums(begins: list[int], weights: np.ndarray) -> np.ndarray:
    """What the weights of windows that begin there add up to at every position."""
    sums = np.zeros(begins[-1] + len(weights), np.float32)
    for begin in begins:
        sums[begin : begin + len(weights)] += weights
    return sums


def join(tiles: Iterable[tuple[int, int, np.ndarray]], size: tuple[int, int]) -> np.ndarray:
    """One array [K, *size] of tiles that cover at least `size` (height, width)."""
    whole: np.ndarray | None = None
    for top, left, tile in tiles:
        if whole is None:
            whole = np.empty((len(tile), *size), tile.dtype)
        part = whole[:, top : top + tile.shape[1], left : left + tile.shape[2]]
        part[:] = tile[:, : part.shape[1], : part.shape[2]]
    assert whole is not None  # there is always a first window
    return whole


def slide(
    pixels: np.ndarray,
    run: Callable[[np.ndarray], np.ndarray],
    window: tuple[int, int],
    step: int,
    overlap: float,
) -> np.ndarray:
    """The tiles of `slide_tiles` in one: float32 [K, H, W]."""
    return join(slide_tiles(pixels, run, window, step, overlap), (pixels.shape[0], pixels.shape[1]))
