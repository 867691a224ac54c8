"""Everything flat: the road with its markings, kerbs, pavements, verges, side streets, and shadows across them."""

from __future__ import annotations

import random

from veilseg.data.scenes.camera import Camera, Point
from veilseg.data.scenes.canvas import PAVEMENT, ROAD, TREE, Canvas
from veilseg.data.scenes.layout import FAR, Layout, Side
from veilseg.data.scenes.light import Colour, Light, vary

START = -4.0
BANDS = ((START, 5.0), (5.0, 12.0), (12.0, 26.0), (26.0, 55.0), (55.0, FAR))
"""The ground is painted in bands along the road, so that haze grows with distance."""


class GroundPainter:
    """Paints the road, the pavements and what lies on them."""

    def __init__(self, canvas: Canvas, rng: random.Random, camera: Camera, light: Light, plan: Layout) -> None:
        self.canvas, self.rng, self.camera, self.light, self.plan = canvas, rng, camera, light, plan
        self.road = plan.road
        self.tarmac = vary(rng, rng.choice(((92, 94, 98), (78, 80, 85), (108, 107, 106), (88, 84, 84))), 9)
        self.slabs = vary(rng, rng.choice(((118, 114, 108), (102, 103, 106), (128, 120, 112), (96, 92, 90))), 10)
        self.paint = vary(rng, rng.choice(((215, 215, 212), (185, 186, 184), (235, 235, 232))), 8)
        self.yellow = vary(rng, (205, 175, 80), 12)

    def run(self) -> None:
        """Paint it all."""
        self._base()
        half = self.plan.half
        self._band(-half - 0.05, half + 0.05, self.tarmac, ROAD)
        self._patches()
        for side in self.plan.sides:
            self._edge(side)
        for side in self.plan.sides:
            for start, end in side.mouths:
                self._mouth(side, start, end)
        self._markings()
        self._shadows()

    def _strip(
        self,
        left: float,
        right: float,
        start: float,
        end: float,
        colour: Colour,
        label: int | None = None,
        alpha: int = 255,
        y: float = 0.0,
        factor: float = 1.0,
    ) -> None:
        x, z = self.road.at(max(0.5 * (start + end), 0.0), 0.0)
        depth = max(self.camera.depth(x, z), 0.0)
        points = self.camera.polygon(self.road.strip(left, right, start, end, y))
        self.canvas.polygon(points, self.light.shade(colour, depth, factor), label, alpha)

    def _band(self, left: float, right: float, colour: Colour, label: int, y: float = 0) -> None:
        for near, far in reversed(BANDS):
            self._strip(left, right, near, far, colour, label, y=y)

    def _base(self) -> None:
        """The plane up to the horizon, beyond all frontages."""
        for side in self.plan.sides:
            colour, label = {
                "grass": (vary(self.rng, (98, 112, 62), 10), TREE),
                "paved": (self.slabs, PAVEMENT),
                "tarmac": (self.tarmac, ROAD),
            }[side.beyond]
            far: list[Point] = [(0, 0, -30), (0, 0, 900), (900 * side.sign, 0, 900), (900 * side.sign, 0, -30)]
            self.canvas.polygon(self.camera.polygon(far), self.light.shade(colour, 60), label)
            near: list[Point] = [(0, 0, -30), (0, 0, 40), (60 * side.sign, 0, 40), (60 * side.sign, 0, -30)]
            self.canvas.polygon(self.camera.polygon(near), self.light.shade(colour, 15), label)

    def _patches(self) -> None:
        """Repairs, worn tracks, manholes, and a coloured lane now and then."""
        rng, half = self.rng, self.plan.half
        if rng.random() < 0.12:
            self._band(-half, -half + rng.uniform(1.5, 3), vary(rng, rng.choice(((120, 70, 62), (80, 105, 80)))), ROAD)
        for _ in range(rng.randrange(5)):
            left, start = rng.uniform(-half, half - 1), rng.uniform(3, 30)
            tone = vary(rng, self.tarmac, 14)
            self._strip(left, left + rng.uniform(0.4, 2.5), start, start + rng.uniform(1, 14), tone, alpha=150)
        for track in (-half * 0.72, -half * 0.28, half * 0.28, half * 0.72):
            tone = vary(rng, self.tarmac, 10)
            self._strip(track - 0.35, track + 0.35, START, 60, tone, alpha=60)
        for _ in range(rng.randrange(3)):
            left, start = rng.uniform(-half, half - 1), rng.uniform(4, 25)
            self._strip(left, left + 0.6, start, start + 0.6, vary(rng, (60, 60, 60)))

    def _edge(self, side: Side) -> None:
        """Kerb, pavement, verge and forecourt of one side, outwards from the road."""
        rng, sign = self.rng, side.sign
        edge, y = self.plan.half * sign, 0.11
        lines = sorted((edge, edge + sign * side.pavement))
        if side.pavement > 0:
            self._band(lines[0], lines[1], self.slabs, PAVEMENT, y=y)
            joint = vary(rng, self.slabs, 5)
            gap = rng.choice((0.0, 0.9, 1.8))
            if gap:
                s = 3.0
                while s < 24:
                    self._strip(lines[0], lines[1], s, s + 0.03, joint, y=y, factor=0.8)
                    s += gap
        if side.verge > 0:
            inner = edge + sign * (side.pavement if side.verge_outside else 0)
            outer = inner + sign * side.verge
            self._band(min(inner, outer), max(inner, outer), vary(rng, (95, 115, 60), 10), TREE, y=y)
        front = edge + sign * (side.pavement + side.verge)
        if side.setback > 0:
            colour, label = rng.choice((((100, 114, 66), TREE), (self.slabs, PAVEMENT)))
            outer = front + sign * side.setback
            self._band(min(front, outer), max(front, outer), vary(rng, colour), label, y=y)
        stone = vary(rng, (150, 148, 142), 14)
        self._band(min(edge, edge + sign * 0.14), max(edge, edge + sign * 0.14), stone, PAVEMENT, y=y)
        for near, far in reversed(BANDS):
            face = self.road.strip(edge, edge, near, far, 0.0, y)
            tone = self.light.shade(stone, 0.5 * (max(near, 0) + far), 0.62)
            self.canvas.polygon(self.camera.polygon(face), tone, PAVEMENT)

    def _mouth(self, side: Side, start: float, end: float) -> None:
        """Where a side street meets the road."""
        edge = self.plan.half * side.sign
        reach = edge + side.sign * 70
        self._strip(min(edge - side.sign, reach), max(edge - side.sign, reach), start, end, self.tarmac, ROAD, y=0.0)
        if self.rng.random() < 0.7:
            for s in (start, start + 0.3):
                line = edge + side.sign * 0.2
                self._strip(min(line, line + 0.2), max(line, line + 0.2), s, end, self.paint, alpha=150)

    def _markings(self) -> None:
        rng, half, paint = self.rng, self.plan.half, self.paint
        wear = rng.randrange(120, 256)
        if rng.random() < 0.85:
            dash, gap = rng.choice(((4.0, 2.0), (2.0, 4.0), (1.0, 5.0), (6.0, 3.0), (200.0, 0.0)))
            s = rng.uniform(-4, 2)
            middle = rng.gauss(0, 0.3)
            while s < 110:
                end = min(s + dash, 110)
                self._strip(middle - 0.07, middle + 0.07, s, end, paint, alpha=wear)
                if dash > 100 and rng.random() < 0.5:
                    self._strip(middle + 0.2, middle + 0.34, s, end, paint, alpha=wear)
                s += dash + gap
        for side in self.plan.sides:
            style, line = rng.choice(("double", "double", "single", "white", "none", "bay", "lane")), half * side.sign
            for offset in {"double": (0.25, 0.5), "single": (0.3,), "white": (0.3,), "lane": (1.5,)}.get(style, ()):
                centre = line - side.sign * offset
                tone = paint if style in ("white", "lane") else self.yellow
                self._strip(centre - 0.05, centre + 0.05, START, 80, tone, alpha=wear)
            if style == "bay":
                centre = line - side.sign * 2.0
                self._strip(centre - 0.05, centre + 0.05, 3, 70, paint, alpha=wear)
        if rng.random() < 0.3:
            s = rng.uniform(6, 22)
            self._strip(-half, -0.1, s, s + 0.3, paint, alpha=wear)
        if rng.random() < 0.15:
            s, x = rng.uniform(8, 26), -half
            while x < half:
                self._strip(x, x + 0.55, s, s + 2.6, paint, alpha=wear)
                x += 1.1
        if rng.random() < 0.3:
            self._arrow(-half / 2 + rng.uniform(-0.5, 0.5), rng.uniform(6, 18), wear)
        if rng.random() < 0.12:
            s = rng.uniform(7, 14)
            for i in range(-8, 9):
                a, b = self.road.at(s, i * 1.0), self.road.at(s + 8, i * 1.0 + rng.choice((3.0, -3.0)))
                quad: list[Point] = [(a[0], 0, a[1]), (a[0] + 0.1, 0, a[1]), (b[0] + 0.1, 0, b[1]), (b[0], 0, b[1])]
                if abs(i) < half - 3:
                    self.canvas.polygon(self.camera.polygon(quad), self.light.shade(self.yellow, s), None, wear)

    def _arrow(self, across: float, along: float, wear: int) -> None:
        self._strip(across - 0.08, across + 0.08, along, along + 2.4, self.paint, alpha=wear)
        points: list[Point] = []
        for s, d in ((along + 2.4, -0.4), (along + 2.4, 0.4), (along + 4.0, 0.0)):
            x, z = self.road.at(s, across + d)
            points.append((x, 0.0, z))
        self.canvas.polygon(self.camera.polygon(points), self.light.shade(self.paint, along), None, wear)

    def _shadows(self) -> None:
        """What buildings and trees on the sunny side throw across the road; colour only."""
        rng, light, half = self.rng, self.light, self.plan.half
        if light.sun < 0.25 or rng.random() < 0.25:
            return
        alpha = int(60 + 110 * light.sun)
        s = -3.0
        while s < 90:
            length = rng.uniform(3, 14)
            reach = rng.uniform(0.0, 2.2) * half
            if rng.random() < 0.75:
                edge = light.side * (half + 6)
                tip = edge - light.side * (6 + reach)
                points = self.camera.polygon(self.road.strip(min(edge, tip), max(edge, tip), s, s + length, 0.12))
                self.canvas.polygon(points, (8, 10, 18), None, alpha)
            s += length * rng.uniform(0.9, 1.5)
