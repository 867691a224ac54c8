"""Pedestrians and cyclists: flat figures of a few strokes, upright at their place on the ground."""

from __future__ import annotations

import random

from veilseg.data.scenes.camera import Camera, Pixel
from veilseg.data.scenes.canvas import BICYCLIST, PEDESTRIAN, Canvas
from veilseg.data.scenes.light import Colour, Light, vary

CLOTHES: tuple[Colour, ...] = (
    (34, 34, 40),
    (48, 52, 66),
    (72, 66, 60),
    (110, 40, 44),
    (150, 146, 138),
    (60, 72, 54),
    (44, 60, 100),
    (90, 90, 94),
    (200, 200, 196),
)
SKIN: tuple[Colour, ...] = ((205, 165, 140), (180, 135, 108), (120, 84, 62), (215, 180, 160))
HAIR: tuple[Colour, ...] = ((42, 34, 28), (80, 60, 42), (24, 22, 22), (150, 130, 96), (130, 128, 124))


class PeoplePainter:
    """Paints people, on foot and on bicycles."""

    def __init__(self, canvas: Canvas, rng: random.Random, camera: Camera, light: Light) -> None:
        self.canvas, self.rng, self.camera, self.light = canvas, rng, camera, light

    def _place(self, x: float, z: float) -> bool:
        """Moves the pen to a place on the ground; False when nothing can be drawn there."""
        self.depth = self.camera.depth(x, z)
        foot = self.camera.pixel((x, 0.0, z))
        if foot is None or self.depth < 2.5:
            return False
        self.foot, self.scale = foot, self.camera.scale(self.depth)
        return True

    def _at(self, right: float, up: float) -> Pixel:
        return self.foot[0] + right * self.scale, self.foot[1] - up * self.scale

    def _limb(self, path: list[tuple[float, float]], width: float, colour: Colour, label: int) -> None:
        points = [self._at(*p) for p in path]
        tone = self.light.shade(colour, self.depth, 0.8)
        self.canvas.line(points, max(1.0, width * self.scale), tone, label, 2)
        r = width * self.scale / 2
        if r > 1:
            for x, y in points:
                self.canvas.ellipse(x, y, r, r, tone, label)

    def _shape(self, outline: list[tuple[float, float]], colour: Colour, label: int, factor: float = 0.85) -> None:
        self.canvas.polygon([self._at(*p) for p in outline], self.light.shade(colour, self.depth, factor), label)

    def _head(self, x: float, y: float, label: int, helmet: bool = False) -> None:
        rng, r = self.rng, 0.115
        cx, cy = self._at(x, y)
        s = max(0.8, r * self.scale)
        self.canvas.ellipse(cx, cy, s * 0.85, s * 1.15, self.light.shade(rng.choice(SKIN), self.depth, 0.85), label)
        cover = vary(rng, (210, 210, 205)) if helmet else rng.choice(HAIR)
        self.canvas.ellipse(cx, cy - 0.4 * s, s * 0.95, s * 0.85, self.light.shade(cover, self.depth, 0.85), label)

    def pedestrian(self, x: float, z: float) -> None:
        """Someone standing or walking, now and then with a bag, a coat or a child's height."""
        if not self._place(x, z):
            return
        rng, label = self.rng, PEDESTRIAN
        size = rng.gauss(1.72, 0.09) if rng.random() < 0.92 else rng.uniform(1.0, 1.4)
        k = size / 1.72
        self.scale *= k
        top, legs = vary(rng, rng.choice(CLOTHES)), vary(rng, rng.choice(CLOTHES[:4]))
        self._shadow(0.45)
        step = rng.uniform(0.0, 0.3) * rng.choice((-1, 1))
        hip = 0.09
        self._limb([(-hip, 0.88), (-hip - step * 0.5, 0.47), (-hip - step, 0.06)], 0.15, legs, label)
        self._limb([(hip, 0.88), (hip + step * 0.6, 0.47), (hip + step, 0.06)], 0.15, legs, label)
        for sign in (-1, 1):
            self._limb(
                [(sign * hip + sign * step, 0.04), (sign * hip + sign * step + 0.08, 0.03)], 0.09, (26, 24, 24), label
            )
        arm = rng.uniform(-0.12, 0.25)
        self._limb([(-0.2, 1.4), (-0.27, 1.12), (-0.24 - arm, 0.86)], 0.1, top, label)
        coat = 0.55 if rng.random() < 0.25 else 0.84
        self._shape([(-0.22, 1.42), (-0.09, 1.52), (0.09, 1.52), (0.22, 1.42), (0.19, coat), (-0.19, coat)], top, label)
        self._limb([(0.2, 1.4), (0.27, 1.12), (0.24 + arm, 0.86)], 0.1, vary(rng, top, 6), label)
        if rng.random() < 0.3:
            bag = vary(rng, rng.choice(CLOTHES))
            side = rng.choice((-1, 1))
            self._shape([(side * 0.2, 0.95), (side * 0.42, 0.95), (side * 0.44, 0.6), (side * 0.2, 0.6)], bag, label)
        self._head(0.0, 1.62, label)

    def cyclist(self, x: float, z: float, sideways: bool) -> None:
        """A rider seen from the side, or from behind or in front."""
        if not self._place(x, z):
            return
        rng, label = self.rng, BICYCLIST
        top, legs = vary(rng, rng.choice((*CLOTHES, (215, 220, 60)))), vary(rng, rng.choice(CLOTHES[:4]))
        frame = vary(rng, rng.choice(((30, 30, 34), (120, 30, 34), (40, 60, 110), (130, 132, 134))))
        self._shadow(0.5)
        helmet = rng.random() < 0.5
        if not sideways:
            self._limb([(0.0, 0.03), (0.0, 0.66)], 0.06, (22, 22, 24), label)
            self._limb([(-0.14, 0.95), (-0.13, 0.55), (-0.12, 0.2)], 0.14, legs, label)
            self._limb([(0.14, 0.95), (0.16, 0.62), (0.12, 0.38)], 0.14, legs, label)
            self._limb([(-0.3, 1.02), (0.3, 1.02)], 0.04, frame, label)
            self._limb([(-0.22, 1.42), (-0.31, 1.2), (-0.28, 1.02)], 0.1, top, label)
            self._limb([(0.22, 1.42), (0.31, 1.2), (0.28, 1.02)], 0.1, top, label)
            self._shape([(-0.23, 1.45), (-0.1, 1.55), (0.1, 1.55), (0.23, 1.45), (0.19, 0.9), (-0.19, 0.9)], top, label)
            self._head(0.0, 1.66, label, helmet)
            return
        way = rng.choice((-1, 1))

        def f(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
            return [(way * px, py) for px, py in points]

        for wheel in (-0.52, 0.52):
            cx, cy = self._at(way * wheel, 0.34)
            r = 0.34 * self.scale
            tone = self.light.shade((24, 24, 26), self.depth)
            box = (cx - r, cy - r, cx + r, cy + r)
            self.canvas.ellipse(cx, cy, r, r, tone, label, alpha=60)
            self.canvas.colours.ellipse(box, outline=tone, width=max(1, round(0.05 * self.scale)))
        self._limb(f([(-0.52, 0.34), (-0.18, 0.8), (0.36, 0.86), (0.0, 0.32), (-0.52, 0.34)]), 0.045, frame, label)
        self._limb(f([(0.52, 0.34), (0.38, 1.0)]), 0.045, frame, label)
        self._limb(f([(-0.16, 1.0), (0.12, 0.72), (0.02, 0.34)]), 0.14, legs, label)
        self._limb(f([(-0.16, 1.0), (0.2, 0.85), (0.06, 0.5)]), 0.14, legs, label)
        lean = rng.uniform(0.12, 0.32)
        self._shape(
            f([(-0.3, 0.98), (-0.08, 0.92), (lean + 0.08, 1.36), (lean - 0.02, 1.5), (lean - 0.18, 1.46)]), top, label
        )
        self._limb(f([(lean, 1.4), (lean + 0.14, 1.14), (0.42, 1.04)]), 0.09, top, label)
        self._head(way * (lean + 0.06), 1.62, label, helmet)

    def _shadow(self, width: float) -> None:
        x, y = self.foot
        self.canvas.ellipse(x, y, width * self.scale, 0.09 * self.scale, (8, 9, 12), None, 110)
