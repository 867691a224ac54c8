"""Buildings along the street: facades with windows, doors, shop fronts, gables, roofs, chimneys; garden walls too."""

from __future__ import annotations

import random

import numpy as np

from veilseg.data.scenes.camera import Camera, Point
from veilseg.data.scenes.canvas import BUILDING, SIGN, Canvas
from veilseg.data.scenes.layout import Layout, Lot, Side
from veilseg.data.scenes.light import Colour, Light, vary

WALLS: tuple[Colour, ...] = (
    (128, 78, 58),
    (146, 100, 76),
    (172, 155, 120),
    (158, 146, 122),
    (205, 198, 182),
    (222, 220, 212),
    (120, 112, 104),
    (96, 72, 62),
    (188, 176, 150),
    (140, 136, 132),
    (110, 92, 80),
)
"""Red and brown brick, the yellow-grey brick of Cambridge, render, stone."""

ROOFS: tuple[Colour, ...] = ((78, 78, 86), (92, 86, 84), (112, 74, 62), (66, 64, 66), (98, 92, 84))
FASCIAS: tuple[Colour, ...] = ((40, 70, 60), (120, 30, 34), (36, 44, 84), (30, 30, 32), (200, 190, 170), (180, 60, 40))


class BuildingPainter:
    """Paints houses, shops, blocks and towers."""

    def __init__(self, canvas: Canvas, rng: random.Random, camera: Camera, light: Light, plan: Layout) -> None:
        self.canvas, self.rng, self.camera, self.light, self.plan = canvas, rng, camera, light, plan

    def lot(self, side: Side, lot: Lot) -> None:
        """Whatever is built on this lot."""
        rng = self.rng
        if lot.kind == "wall":
            self.wall(side, lot, rng.uniform(1.0, 2.6))
            return
        storeys = {"shop": (2, 4), "house": (2, 3), "block": (2, 6), "tower": (5, 9)}[lot.kind]
        count = rng.randint(*storeys)
        floor = rng.uniform(2.6, 3.3)
        self.box(side, lot, count, floor)

    def _corner(self, side: Side, along: float, out: float, y: float) -> Point:
        x, z = self.plan.road.at(along, self.plan.front(side) + side.sign * out)
        return x, y, z

    def _face(self, points: list[Point], colour: Colour, depth: float, factor: float, label: int = BUILDING) -> None:
        self.canvas.polygon(self.camera.polygon(points), self.light.shade(colour, depth, factor), label)

    def box(self, side: Side, lot: Lot, storeys: int, floor: float) -> None:
        """A building: the faces that look away first, then those that look at the camera."""
        rng = self.rng
        if self.camera.depth(*self.plan.road.at(lot.end, self.plan.front(side))) < -6:
            return
        wall = vary(rng, rng.choice(WALLS), 10)
        height = storeys * floor + rng.uniform(0.2, 1.2)
        deep = rng.uniform(8, 14)
        pitched = lot.kind in ("shop", "house") and rng.random() < 0.85
        rise = rng.uniform(2, 4.2) if pitched else 0.0
        roof = vary(rng, rng.choice(ROOFS), 8)
        a, b = self._corner(side, lot.start, 0, 0), self._corner(side, lot.end, 0, 0)
        depth = max(1.0, self.camera.depth((a[0] + b[0]) / 2, (a[2] + b[2]) / 2))
        lit = self.light.facing(side.sign)
        ridge = [self._corner(side, s, deep / 2, height + rise) for s in (lot.start, lot.end)]
        eaves = [self._corner(side, s, -0.25 if pitched else 0, height) for s in (lot.start, lot.end)]
        if pitched and rng.random() < 0.7:
            self._chimney(side, lot, deep, height + rise, wall, depth)
        for s, top, dark in ((lot.end, ridge[1], 0.6), (lot.start, ridge[0], 0.7 + 0.2 * self.light.sun)):
            gable = [
                self._corner(side, s, 0, 0),
                self._corner(side, s, 0, height),
                top,
                self._corner(side, s, deep, height),
                self._corner(side, s, deep, 0),
            ]
            self._face(gable, wall, depth, dark)
        if pitched:
            self._face([*eaves, ridge[1], ridge[0]], roof, depth, 0.6 + 0.4 * lit)
        if lot.kind == "tower" and rng.random() < 0.6:
            self._spire(side, lot, deep, height, roof, depth)
        front = [a, (a[0], height, a[2]), (b[0], height, b[2]), b]
        self._face(front, wall, depth, lit)
        if self.camera.focal * height / depth < 14 or self.canvas.outside(self.camera.polygon(front)):
            return
        if rng.random() < 0.6:
            tone = vary(rng, wall, 22)
            self._rows(a, b, [(0.0, height - 0.3, 1.0, height)], tone, lit)
        shop = lot.kind == "shop"
        if shop:
            self._shop(a, b, floor, lit)
        self._windows(a, b, lot, storeys, floor, lit, shop)

    def _rows(
        self, a: Point, b: Point, boxes: list[tuple[float, float, float, float]], colour: Colour, factor: float
    ) -> list[list[tuple[float, float]]]:
        """Rectangles on the facade from `a` to `b`: (u0, y0, u1, y1), u from 0 to 1 along it, y in metres up."""
        if not boxes:
            return []
        u = np.array([(r[0], r[0], r[2], r[2]) for r in boxes])
        y = np.array([(r[1], r[3], r[3], r[1]) for r in boxes])
        points = np.stack((a[0] + (b[0] - a[0]) * u, y, a[2] + (b[2] - a[2]) * u), axis=-1)
        pixels, depth = self.camera.grid(points)
        drawn = []
        for quad, z in zip(pixels.tolist(), depth.min(axis=1).tolist(), strict=True):
            if z > 0.5:
                points_2d = [(p[0], p[1]) for p in quad]
                self.canvas.polygon(points_2d, self.light.shade(colour, z, factor))
                drawn.append(points_2d)
        return drawn

    def _windows(self, a: Point, b: Point, lot: Lot, storeys: int, floor: float, lit: float, shop: bool) -> None:
        rng, length = self.rng, lot.end - lot.start
        modern = lot.kind == "block" and rng.random() < 0.65
        columns = max(1, int(length / rng.uniform(1.7, 3.4)))
        wide = rng.uniform(0.75, 0.95) if modern and rng.random() < 0.5 else rng.uniform(0.3, 0.55)
        tall = rng.uniform(0.4, 0.62)
        frame = vary(rng, (225, 225, 220) if rng.random() < 0.7 else (70, 66, 62), 8)
        glass = vary(rng, rng.choice(((42, 46, 52), (58, 66, 76), (30, 32, 36), (90, 104, 118))), 8)
        door = -1 if shop or lot.kind == "block" else rng.randrange(columns)
        frames, panes, bars, doors = [], [], [], []
        for storey in range(1 if shop else 0, storeys):
            base = storey * floor + floor * (1 - tall) * 0.6
            for column in range(columns):
                middle, half = (column + 0.5) / columns, wide / columns / 2
                if storey == 0 and column == door:
                    doors.append((middle - 0.45 / length, 0.1, middle + 0.45 / length, 2.2))
                    continue
                u0, u1, y0, y1 = middle - half, middle + half, base, base + floor * tall
                edge = 0.09 / length
                frames.append((u0 - edge, y0 - 0.12, u1 + edge, y1 + 0.09))
                panes.append((u0, y0, u1, y1))
                bars.append((u0, (y0 + y1) / 2 - 0.03, u1, (y0 + y1) / 2 + 0.03))
                bars.append((middle - 0.025 / length, y0, middle + 0.025 / length, y1))
        self._rows(a, b, frames, frame, lit)
        drawn = self._rows(a, b, panes, glass, lit)
        self._rows(a, b, doors, vary(rng, rng.choice(FASCIAS)), lit)
        if drawn and max(abs(q[2][0] - q[0][0]) for q in drawn) > 9 and rng.random() < 0.8:
            self._rows(a, b, bars, frame, lit)
        for quad in drawn:
            # A reflection of the sky or a drawn curtain in the upper part of some panes.
            if rng.random() < 0.25:
                (x0, y0), (x1, y1), (x2, y2), (x3, y3) = quad
                t = rng.uniform(0.3, 0.8)
                low = [(x2 + (x3 - x2) * t, y2 + (y3 - y2) * t), (x1 + (x0 - x1) * t, y1 + (y0 - y1) * t)]
                self.canvas.polygon([(x1, y1), (x2, y2), *low], self.light.shade((185, 195, 205)), None, 90)

    def _shop(self, a: Point, b: Point, floor: float, lit: float) -> None:
        """A shop front: dark glass between pilasters, a fascia with a hint of lettering, perhaps a hanging sign."""
        rng = self.rng
        fascia = vary(rng, rng.choice(FASCIAS))
        self._rows(a, b, [(0.02, 0.0, 0.98, floor)], vary(rng, fascia, 15), lit * 0.9)
        panes = rng.randint(2, 5)
        boxes = [((i + 0.1) / panes, 0.5, (i + 0.9) / panes, floor - 0.75) for i in range(panes)]
        door = rng.randrange(panes)
        boxes[door] = (boxes[door][0], 0.05, boxes[door][2], boxes[door][3])
        for quad in self._rows(a, b, boxes, vary(rng, (48, 50, 54), 14), lit):
            for _ in range(2):
                # Goods and lights behind the glass.
                t, r = rng.uniform(0.1, 0.7), rng.uniform(0.1, 0.25)
                (x0, y0), (_, y1), _, (x3, y3) = quad
                left, right = (x0 + (x3 - x0) * t, y0), (x0 + (x3 - x0) * (t + r), y3)
                h = (y1 - y0) * rng.uniform(0.2, 0.7)
                colour = self.light.shade(vary(rng, rng.choice(((150, 60, 50), (190, 180, 150), (70, 90, 130))), 25))
                self.canvas.polygon([left, (left[0], left[1] + h), (right[0], right[1] + h), right], colour, None, 150)
        self._rows(a, b, [(0.03, floor - 0.6, 0.97, floor - 0.1)], fascia, lit)
        ink = vary(rng, (225, 220, 200))
        start, count = rng.uniform(0.1, 0.4), rng.randint(4, 10)
        self._rows(
            a,
            b,
            [(start + 0.045 * i, floor - 0.48, start + 0.045 * i + 0.026, floor - 0.22) for i in range(count)],
            ink,
            lit,
        )
        if rng.random() < 0.18:
            x, z = a[0] + (b[0] - a[0]) * 0.3, a[2] + (b[2] - a[2]) * 0.3
            out = -1.0 if a[0] > 0 else 1.0
            board: list[Point] = [
                (x, floor + 0.2, z),
                (x, floor + 1.2, z),
                (x + out, floor + 1.2, z),
                (x + out, floor + 0.2, z),
            ]
            self._face(board, vary(rng, rng.choice(FASCIAS)), self.camera.depth(x, z), 1.0, SIGN)

    def _chimney(self, side: Side, lot: Lot, deep: float, ridge: float, wall: Colour, depth: float) -> None:
        rng = self.rng
        for s in (lot.start + 0.5, lot.end - 0.8):
            if rng.random() < 0.7:
                top = ridge + rng.uniform(0.6, 1.8)
                points = [
                    self._corner(side, s + ds, deep / 2, y)
                    for ds, y in ((0, ridge - 2), (0, top), (0.9, top), (0.9, ridge - 2))
                ]
                self._face(points, wall, depth, 0.8)
                out = [
                    self._corner(side, s, deep / 2 + d, y)
                    for d, y in ((-0.5, ridge - 2), (-0.5, top), (0.5, top), (0.5, ridge - 2))
                ]
                self._face(out, wall, depth, 0.65)

    def _spire(self, side: Side, lot: Lot, deep: float, height: float, roof: Colour, depth: float) -> None:
        tip = self._corner(side, (lot.start + lot.end) / 2, deep / 2, height * self.rng.uniform(1.25, 1.7))
        corners = [
            self._corner(side, s, d, height)
            for s, d in ((lot.end, deep), (lot.end, 0), (lot.start, 0), (lot.start, deep))
        ]
        for i, dark in ((0, 0.6), (3, 0.6), (1, 1.0), (2, 0.8)):
            self._face([corners[i], tip, corners[(i + 1) % 4]], roof, depth, dark)

    def wall(self, side: Side, lot: Lot, height: float) -> None:
        """A garden wall of brick or stone: CamVid counts walls as buildings."""
        rng = self.rng
        wall = vary(rng, rng.choice(WALLS), 8)
        a, b = self._corner(side, lot.start, 0, 0), self._corner(side, lot.end, 0, 0)
        depth, lit = max(1.0, self.camera.depth((a[0] + b[0]) / 2, (a[2] + b[2]) / 2)), self.light.facing(side.sign)
        self._face([a, (a[0], height, a[2]), (b[0], height, b[2]), b], wall, depth, lit)
        self._rows(a, b, [(0.0, height - 0.12, 1.0, height)], vary(rng, wall, 25), lit)
