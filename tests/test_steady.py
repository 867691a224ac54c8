"""Frames of a standing camera, laid onto the first one."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from veilseg.data.scenes import generate_scene
from veilseg.steady import Steady, changed, find_shift

SCENE = ndimage.gaussian_filter(generate_scene(5, (160, 240)).image.astype(float), (1, 1, 0))


def frame(down: float = 0, right: float = 0, seed: int = 0) -> np.ndarray:
    """The scene with a sensor's noise, moved."""
    moved = ndimage.shift(SCENE, (down, right, 0), order=3, mode="mirror")
    return np.clip(np.rint(moved + np.random.default_rng(seed).normal(0, 2, moved.shape)), 0, 255).astype(np.uint8)


def grey(pixels: np.ndarray) -> np.ndarray:
    return pixels.mean(axis=2).astype(np.float32)


@pytest.mark.parametrize("shift", [(0.0, 0.0), (0.3, -0.4), (-3.7, 2.2), (9.5, -12.1)])
def test_shifts_are_found_to_a_tenth_of_a_pixel(shift: tuple[float, float]) -> None:
    found = find_shift(grey(frame()), grey(frame(*shift, seed=1)))
    assert found is not None
    assert np.abs(np.subtract(found, shift)).max() < 0.1


def test_what_moves_in_the_scene_moves_no_camera() -> None:
    other = frame(1.5, -0.5, seed=1)
    other[90:140, 60:130] = 250
    found = find_shift(grey(frame()), grey(other))
    assert found is not None
    assert np.abs(np.subtract(found, (1.5, -0.5))).max() < 0.2


def test_another_scene_has_no_shift() -> None:
    other = generate_scene(9, (160, 240)).image
    assert find_shift(grey(frame()), grey(other)) is None
    assert find_shift(grey(frame()), grey(np.full_like(other, 128))) is None
    steady = Steady()
    steady.register(frame())
    assert np.array_equal(steady.register(other), other)
    assert np.abs(steady.register(np.roll(other, 1, axis=0))[4:] - other[4:].astype(float)).mean() < 2


@pytest.mark.parametrize("times", [1, 4])
def test_registered_frames_show_the_first_ones_cells(times: int) -> None:
    def large(pixels: np.ndarray) -> np.ndarray:
        return pixels.repeat(times, axis=0).repeat(times, axis=1)

    steady, first = Steady(), large(frame())
    assert np.array_equal(steady.register(first), first)
    for seed in (1, 2):
        down, right = np.random.default_rng(seed).uniform(-4, 4, 2)
        other = large(frame(down, right, seed))
        registered = steady.register(other)
        assert registered.shape == first.shape
        before, after = (np.abs(_cells(one, 8 * times) - _cells(first, 8 * times)).max() for one in (other, registered))
        assert after < 6 < before / 2
        assert not changed(first, registered)
        registered[40 * times : 60 * times, 40 * times : 60 * times] //= 2
        assert changed(first, registered)


def _cells(pixels: np.ndarray, side: int) -> np.ndarray:
    height, width = pixels.shape[:2]
    return pixels.reshape(height // side, side, width // side, side, 3).mean(axis=(1, 3))


@pytest.mark.parametrize(("height", "width"), [(1, 1), (3, 7), (30, 500), (40, 40)])
@pytest.mark.parametrize("flat", [True, False])
def test_frames_of_any_size(height: int, width: int, flat: bool) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    pixels = np.full_like(pixels, 90) if flat else pixels
    steady = Steady()
    for frame in (pixels, pixels.copy()):
        assert np.abs(steady.register(frame).astype(int) - pixels).max() <= 1
        assert not changed(pixels, pixels)
