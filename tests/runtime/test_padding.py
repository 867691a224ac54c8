"""Padding that is made where it is looked at, against np.pad and against blocks repeated by hand."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from veilseg.runtime.padding import Padded


def by_hand(pixels: np.ndarray, step: int, block: int) -> np.ndarray:
    """The whole padded image: blocks completed by reflection, then the last blocks repeated (no blocks: reflected)."""
    grid = step if block == 1 else block
    pixels = np.pad(pixels, [*((0, -side % grid) for side in pixels.shape[:2]), (0, 0)], "reflect")
    for axis in (0, 1):
        while pixels.shape[axis] % step:
            pixels = np.concatenate([pixels, pixels.take(range(-block, 0), axis)], axis)
    return pixels


@given(st.integers(1, 70), st.integers(1, 70), st.sampled_from([(1, 1), (8, 1), (32, 1), (8, 8), (32, 8), (48, 16)]))
@settings(deadline=None)
def test_padding_is_that_of_the_ciphers_and_then_whole_blocks(height: int, width: int, grid: tuple[int, int]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    expected = by_hand(pixels, *grid)
    padded = Padded(pixels, *grid)
    assert padded.shape == expected.shape
    assert (padded[:, :] == expected).all()
    ends = np.random.default_rng(height * width).integers(0, max(expected.shape) + 1, (20, 4))
    for top, bottom, left, right in np.sort(ends.reshape(20, 2, 2), axis=2).reshape(20, 4).tolist():
        part = slice(top, bottom), slice(left, right)
        assert padded[part].shape == expected[part].shape
        assert (padded[part] == expected[part]).all()


def test_the_least_size_is_kept_and_parts_inside_the_image_are_no_copies() -> None:
    pixels = np.arange(40 * 24 * 3, dtype=np.uint8).reshape(40, 24, 3)
    padded = Padded(pixels, 8, 8, (64, 16))
    assert padded.shape == (64, 24, 3)
    assert (padded[:, :][56:64] == pixels[32:40]).all()
    assert np.shares_memory(padded[8:40, 8:24], pixels)
    assert not np.shares_memory(padded[8:41, 8:24], pixels)
