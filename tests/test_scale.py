"""Working size: how photographs are reduced and label maps enlarged."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.transform import downscale_local_mean

from veilseg.errors import UsageError
from veilseg.scale import ORIGINAL, enlarge_labels, reduce_photograph, working_size

SIDES = st.integers(1, 60)


def to_light(pixels: np.ndarray) -> np.ndarray:
    encoded = pixels / 255
    return np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)


def overlap(pixel: int, start: Fraction, stop: Fraction) -> Fraction:
    return max(Fraction(0), min(Fraction(pixel + 1), stop) - max(Fraction(pixel), start))


@given(SIDES, SIDES, st.integers(1, 60))
def test_the_longer_side_and_the_shape_stay(height: int, width: int, longer: int) -> None:
    rows, columns = working_size(height, width, longer)
    assert max(rows, columns) == min(longer, max(height, width))
    assert abs(rows * width - columns * height) <= max(height, width, rows, columns)
    assert working_size(width, height, longer) == (columns, rows)


def test_original_and_small_pictures_stay_as_they_are() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (30, 40, 3), dtype=np.uint8)
    assert reduce_photograph(pixels, ORIGINAL) is pixels
    assert reduce_photograph(pixels, 40) is pixels
    with pytest.raises(UsageError, match="-1 pixels"):
        reduce_photograph(pixels, -1)


def test_whole_factors_agree_with_local_means_of_light() -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    expected = downscale_local_mean(to_light(pixels), (5, 5, 1))
    assert np.abs(to_light(reduce_photograph(pixels, 16)) - expected).max() < 0.005  # half a step


@given(st.integers(2, 60), st.integers(2, 60), st.integers(1, 59), st.integers(0, 255))
def test_a_grey_picture_stays_grey(height: int, width: int, longer: int, grey: int) -> None:
    reduced = reduce_photograph(np.full((height, width, 3), grey, np.uint8), longer)
    assert (reduced == grey).all()


def test_light_is_kept() -> None:
    """Half black, half white is as bright as a middle grey of light, not of sRGB values."""
    checks = np.indices((64, 64)).sum(0) % 2 * np.uint8(255)
    reduced = reduce_photograph(checks[:, :, None].repeat(3, axis=2).astype(np.uint8), 8)
    assert np.abs(to_light(reduced) - 0.5).max() < 0.005


def test_odd_factors_weigh_by_area() -> None:
    row = np.array([0, 255, 0], np.uint8)  # two areas of a pixel and a half: a third of each is white
    pixels = np.broadcast_to(row[None, :, None], (3, 3, 3)).copy()
    assert np.abs(to_light(reduce_photograph(pixels, 2)) - 1 / 3).max() < 0.005


@settings(max_examples=30)
@given(st.integers(1, 7), st.integers(1, 7), st.integers(1, 6), st.integers(0, 2**32 - 1))
def test_every_pixel_is_the_light_of_its_area(height: int, width: int, longer: int, seed: int) -> None:
    """Against fractions, pixel by pixel."""
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    rows, columns = working_size(height, width, longer)
    light = np.round(65535 * to_light(np.arange(511) / 2)).astype(int).tolist()
    reduced = reduce_photograph(pixels, longer)
    for y, x, channel in np.ndindex(rows, columns, 3):
        total = Fraction(0)
        for v, u in np.ndindex(height, width):
            covered = overlap(v, y * Fraction(height, rows), (y + 1) * Fraction(height, rows))
            covered *= overlap(u, x * Fraction(width, columns), (x + 1) * Fraction(width, columns))
            total += covered * light[2 * int(pixels[v, u, channel])]
        mean = total * rows * columns / (height * width)
        assert reduced[y, x, channel] == sum(mean >= half for half in light[1::2])


@given(SIDES, SIDES, st.integers(1, 4))
def test_enlarged_maps_hold_the_same_classes(height: int, width: int, factor: int) -> None:
    labels = np.random.default_rng(height * width).integers(0, 5, (height, width), dtype=np.uint8)
    enlarged = enlarge_labels(labels, height * factor, width * factor)
    assert enlarged.shape == (height * factor, width * factor)
    assert set(np.unique(enlarged)) <= set(np.unique(labels))


def test_a_straight_border_stays_straight_where_it_is() -> None:
    labels = np.zeros((8, 8), np.uint8)
    labels[:, 3:] = 200
    enlarged = enlarge_labels(labels, 80, 80)
    assert (enlarged[:, :30] == 0).all()
    assert (enlarged[:, 30:] == 200).all()


def test_a_slanted_border_has_no_steps() -> None:
    """Along the diagonal of a map of 16 x 16 pixels, enlarged tenfold, runs of equal columns are short."""
    labels = np.triu(np.ones((16, 16), np.uint8))
    border = enlarge_labels(labels, 160, 160).argmax(axis=1)[20:140]
    steps = np.diff(border)
    assert np.abs(steps).max() <= 4  # blocks would jump by ten
