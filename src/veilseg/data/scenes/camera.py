"""Where things are: a camera on a road. World coordinates are metres: x to the right, y up, z forward at the camera."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

import numpy as np

Point = tuple[float, float, float]
Pixel = tuple[float, float]

NEAR = 0.4
"""Metres in front of the lens where polygons are cut, so that nothing behind the camera is drawn."""


class Camera:
    """A pinhole camera on the dashboard of a car, looking along the road give or take some yaw, pitch and roll."""

    def __init__(self, rng: random.Random, size: tuple[int, int], scale: int, offset: float) -> None:
        """`size` is (height, width) of the image, `scale` the oversampling, `offset` the place across the road."""
        height, width = size[0] * scale, size[1] * scale
        self.height, self.width = height, width
        self.focal = rng.uniform(0.85, 1.2) * height * 4 / 3
        self.horizon = rng.uniform(0.4, 0.56) * height
        self.centre = width / 2
        self.eye = rng.uniform(1.15, 1.7)
        self.offset = offset
        yaw = math.radians(rng.gauss(0, 5) if rng.random() < 0.75 else rng.uniform(-28, 28))
        roll = math.radians(rng.gauss(0, 0.8))
        self.cos, self.sin = math.cos(yaw), math.sin(yaw)
        self.roll_cos, self.roll_sin = math.cos(roll), math.sin(roll)

    def view(self, point: Point) -> Point:
        """A world point as seen from the camera: right, up, depth."""
        dx, z = point[0] - self.offset, point[2]
        return self.cos * dx - self.sin * z, point[1] - self.eye, self.sin * dx + self.cos * z

    def depth(self, x: float, z: float) -> float:
        """Metres from the camera, along its axis, to a point on the ground."""
        return self.sin * (x - self.offset) + self.cos * z

    def scale(self, depth: float) -> float:
        """Canvas pixels per metre at this depth."""
        return self.focal / max(depth, NEAR)

    def _pixel(self, seen: Point) -> Pixel:
        x, y = self.focal * seen[0] / seen[2], -self.focal * seen[1] / seen[2]
        return self.centre + self.roll_cos * x - self.roll_sin * y, self.horizon + self.roll_sin * x + self.roll_cos * y

    def pixel(self, point: Point) -> Pixel | None:
        """Where a world point falls on the canvas; None behind the camera."""
        seen = self.view(point)
        return self._pixel(seen) if seen[2] > NEAR else None

    def polygon(self, points: Sequence[Point]) -> list[Pixel]:
        """A flat polygon on the canvas, cut at the near plane; fewer than three points when nothing is left."""
        seen = [self.view(point) for point in points]
        if min(s[2] for s in seen) > NEAR:
            return [self._pixel(s) for s in seen]
        kept: list[Pixel] = []
        for a, b in zip(seen, seen[1:] + seen[:1], strict=True):
            if a[2] > NEAR:
                kept.append(self._pixel(a))
            if (a[2] > NEAR) != (b[2] > NEAR):
                t = (NEAR + 1e-6 - a[2]) / (b[2] - a[2])
                kept.append(self._pixel((a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1]), NEAR + 1e-6)))
        return kept

    def grid(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Many points at once: [..., 3] -> pixels [..., 2] and depths [...]; pixels are meaningless at small depth."""
        dx, z = points[..., 0] - self.offset, points[..., 2]
        right, depth = self.cos * dx - self.sin * z, self.sin * dx + self.cos * z
        factor = self.focal / np.maximum(depth, 0.05)
        x, y = right * factor, (self.eye - points[..., 1]) * factor
        pixels = np.stack(
            (
                self.centre + self.roll_cos * x - self.roll_sin * y,
                self.horizon + self.roll_sin * x + self.roll_cos * y,
            ),
            axis=-1,
        )
        return pixels, depth


class Road:
    """The middle line of the road, an arc: `along` metres from the camera and `across` to the right -> world x, z."""

    def __init__(self, bend: float) -> None:
        """`bend` is the curvature in 1/m, positive to the right; 0 is straight."""
        self.bend = bend

    def at(self, along: float, across: float) -> tuple[float, float]:
        """The point (x, z) so many metres along the road and across it."""
        if abs(self.bend) < 1e-5 or along < 0:
            return across, along
        angle = min(max(self.bend * along, -1.4), 1.4)
        rest = along - angle / self.bend
        cos, sin = math.cos(angle), math.sin(angle)
        x, z = (1 - cos) / self.bend, sin / self.bend
        return x + across * cos + rest * sin, z - across * sin + rest * cos

    def heading(self, along: float) -> float:
        """Direction of the road there, in radians from the z axis towards x."""
        return min(max(self.bend * max(along, 0.0), -1.4), 1.4)

    def strip(
        self, left: float, right: float, start: float, end: float, low: float = 0.0, high: float | None = None
    ) -> list[Point]:
        """The band between two lines along the road as a polygon; `low` and `high` are the heights of both lines."""
        steps = 1 if abs(self.bend) < 1e-5 else max(2, min(12, int((end - start) / 4)))
        stops = [start + (end - start) * i / steps for i in range(steps + 1)]
        high = low if high is None else high
        there = [(x, low, z) for x, z in (self.at(s, left) for s in stops)]
        back = [(x, high, z) for x, z in (self.at(s, right) for s in reversed(stops))]
        return there + back
