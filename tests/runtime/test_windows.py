"""Sliding windows: on the grid, everything covered, overlaps averaged."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from veilseg.errors import UsageError
from veilseg.runtime.windows import slide, slide_bands, snap, starts


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
def test_bands_follow_each_other_and_hold_one_row_of_windows(
    height: int, width: int, rows: int, columns: int, overlap: float
) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (16 * height, 16 * width, 1))
    window = (16 * rows, 16 * columns)
    at = 0
    for top, band in slide_bands(pixels, lambda part: part.transpose(2, 0, 1), window, 16, overlap):
        assert top == at
        assert band.shape[1] <= window[0]
        np.testing.assert_allclose(band[0], pixels[top : top + band.shape[1], :, 0], rtol=1e-5)
        at += band.shape[1]
    assert at == len(pixels)


def test_windows_are_rounded_down_to_the_grid() -> None:
    assert snap((100, 64), 16) == (96, 64)
    assert snap((16, 16), 16) == (16, 16)
    with pytest.raises(UsageError, match="smaller than one block"):
        snap((15, 64), 16)
    with pytest.raises(UsageError, match="overlap"):
        starts(64, 32, 16, 1.0)
