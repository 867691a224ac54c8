"""Sliding windows: on the grid, everything covered, overlaps averaged."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from veilseg.errors import UsageError
from veilseg.runtime.windows import slide, slide_tiles, snap, starts, taper


@settings(deadline=None)
@given(st.integers(1, 40), st.integers(1, 12), st.sampled_from([4, 16]), st.floats(0, 0.95))
def test_windows_lie_on_the_grid_and_cover_everything(blocks: int, width: int, step: int, overlap: float) -> None:
    length, window = blocks * step, width * step
    begins = starts(length, window, step, overlap)
    assert all(begin % step == 0 for begin in begins)
    covered = np.zeros(length, bool)
    for begin in begins:
        covered[begin : begin + window] = True
    assert covered.all()
    assert begins[-1] + window == max(length, window)
    assert begins == sorted(set(begins))
    # neighbours overlap by at least the fraction asked for, unless one block is already too much
    gaps = np.diff(begins)
    assert (gaps <= max(step, window * (1 - overlap) + 1e-9)).all()


@given(st.integers(0, 2**32 - 1), st.sampled_from([0, 0.3, 0.5, 0.75]))
@settings(deadline=None, max_examples=25)
def test_a_pointwise_network_gives_the_same_with_and_without_windows(seed: int, overlap: float) -> None:
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 256, (64, 80, 3)).astype(np.uint8)
    matrix = rng.normal(size=(5, 3)).astype(np.float32)

    def run(part: np.ndarray) -> np.ndarray:
        return np.einsum("kc,hwc->khw", matrix, part.astype(np.float32))

    np.testing.assert_allclose(slide(pixels, run, (32, 48), 16, overlap), run(pixels), rtol=1e-5, atol=1e-3)


def test_overlaps_are_blended_without_a_seam() -> None:
    answers = iter([2.0, 4.0])
    result = slide(np.zeros((16, 48, 3)), lambda part: np.full((1, 16, 32), next(answers)), (16, 32), 16, 0.5)
    assert result[0, 0, :16].tolist() == [2.0] * 16
    assert result[0, 0, 32:].tolist() == [4.0] * 16
    # Half a window of overlap: from the one to the other in a straight line.
    np.testing.assert_allclose(result[0, 0, 16:32], 2 + 2 * (np.arange(16) + 0.5) / 16, rtol=1e-6)


@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 4), st.integers(1, 4), st.sampled_from([0, 0.3, 0.75]))
@settings(deadline=None, max_examples=50)
def test_tiles_cover_the_image_once_and_are_no_larger_than_a_window(
    height: int, width: int, rows: int, columns: int, overlap: float
) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (16 * height, 16 * width, 1))
    window = (16 * rows, 16 * columns)
    covered = np.zeros(pixels.shape[:2], int)
    for top, left, tile in slide_tiles(pixels, lambda part: part.transpose(2, 0, 1), window, 16, overlap):
        place = slice(top, top + tile.shape[1]), slice(left, left + tile.shape[2])
        assert tile.shape[1] <= window[0]
        assert tile.shape[2] <= window[1]
        np.testing.assert_allclose(tile[0], pixels[place][..., 0], rtol=1e-5)
        covered[place] += 1
    assert (covered == 1).all()


@given(st.integers(1, 12), st.integers(1, 9), st.sampled_from([0, 0.3, 0.6, 0.75]), st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=50)
def test_blending_is_the_weighted_mean_of_all_windows(height: int, width: int, overlap: float, seed: int) -> None:
    """Against the obvious way: add up every window's own answer and its weights over the whole image."""
    answers = np.random.default_rng(seed)
    drawn: list[np.ndarray] = []

    def run(part: np.ndarray) -> np.ndarray:
        drawn.append(answers.random((2, *part.shape[:2]), np.float32))
        return drawn[-1]

    pixels = np.zeros((4 * height, 4 * width, 3))
    sides = (min(20, 4 * height), min(12, 4 * width))
    result = slide(pixels, run, (20, 12), 4, overlap)
    total, weights = np.zeros((2, 4 * height, 4 * width)), np.zeros((4 * height, 4 * width))
    weight = taper(sides[0])[:, None] * taper(sides[1])
    windows = iter(drawn)
    for y in starts(4 * height, sides[0], 4, overlap):
        for x in starts(4 * width, sides[1], 4, overlap):
            total[:, y : y + sides[0], x : x + sides[1]] += next(windows) * weight
            weights[y : y + sides[0], x : x + sides[1]] += weight
    np.testing.assert_allclose(result, total / weights, rtol=1e-4, atol=1e-6)


def test_memory_is_a_few_windows_and_the_shared_rows() -> None:
    classes, window, width = 12, 128, 1024
    pixels = np.zeros((768, width, 3), np.uint8)
    one = 4 * classes * window * window
    shared = 4 * classes * (window // 2) * width  # more rows than the windows share here
    tracemalloc.start()
    for _ in slide_tiles(pixels, lambda part: np.zeros((classes, *part.shape[:2]), np.float32), (128, 128), 16, 1 / 3):
        pass
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < shared + 4 * one


def test_windows_are_rounded_down_to_the_grid() -> None:
    assert snap((100, 64), 16) == (96, 64)
    assert snap((16, 16), 16) == (16, 16)
    with pytest.raises(UsageError, match="smaller than one block"):
        snap((15, 64), 16)
    with pytest.raises(UsageError, match="overlap"):
        starts(64, 32, 16, 1.0)
