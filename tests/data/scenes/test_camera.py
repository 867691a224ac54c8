"""The camera: projection, cutting at the near plane, and roads that bend."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from veilseg.data.scenes.camera import Camera, Road

metres = st.floats(-50, 50, allow_nan=False)


@settings(deadline=None)
@given(seed=st.integers(0, 1000), points=st.lists(st.tuples(metres, metres, metres), min_size=3, max_size=6))
def test_polygons_are_cut_at_the_near_plane(seed: int, points: list[tuple[float, float, float]]) -> None:
    camera = Camera(random.Random(seed), (90, 120), 2, 0.0)
    drawn = camera.polygon(points)
    assert all(math.isfinite(x) and math.isfinite(y) for x, y in drawn)
    depths = [camera.view(point)[2] for point in points]
    if max(depths) < 0.4:
        assert drawn == []
    if min(depths) > 0.4:
        assert len(drawn) == len(points)


def test_grid_agrees_with_single_points() -> None:
    camera = Camera(random.Random(3), (90, 120), 2, -1.5)
    points = np.array([[1.0, 2.0, 9.0], [-4.0, 0.0, 30.0]])
    pixels, depths = camera.grid(points)
    for point, pixel, depth in zip(points.tolist(), pixels.tolist(), depths.tolist(), strict=True):
        assert camera.pixel((point[0], point[1], point[2])) == pytest.approx(tuple(pixel))
        assert camera.depth(point[0], point[2]) == pytest.approx(depth)


def test_things_shrink_with_distance() -> None:
    camera = Camera(random.Random(0), (360, 480), 2, 0.0)
    assert camera.scale(10) == pytest.approx(2 * camera.scale(20))


@settings(deadline=None)
@given(bend=st.floats(-1 / 50, 1 / 50), along=st.floats(0, 150), across=st.floats(-10, 10))
def test_distance_from_the_middle_of_the_road_is_kept(bend: float, along: float, across: float) -> None:
    road = Road(bend)
    middle, beside = road.at(along, 0.0), road.at(along, across)
    assert math.dist(middle, beside) == pytest.approx(abs(across), abs=1e-6)


def test_a_straight_road_is_straight() -> None:
    assert Road(0.0).at(70, -3) == (-3, 70)
    assert Road(0.01).at(40, 0)[0] > 1
