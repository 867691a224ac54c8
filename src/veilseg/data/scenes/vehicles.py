"""Cars, vans and buses as solids with glass, wheels, lights and a number plate at both ends."""

from __future__ import annotations

import math
import random

from veilseg.data.scenes.camera import Camera, Pixel, Point
from veilseg.data.scenes.canvas import CAR, Canvas, Plate
from veilseg.data.scenes.garage import PAINT, SHAPES
from veilseg.data.scenes.light import Colour, Light, vary
from veilseg.data.scenes.plates import SIZE, paste_plate, plate_text


class VehiclePainter:
    """Paints cars, vans, lorries and buses, with their number plates."""

    def __init__(self, canvas: Canvas, rng: random.Random, camera: Camera, light: Light) -> None:
        self.canvas, self.rng, self.camera, self.light = canvas, rng, camera, light

    def draw(self, x: float, z: float, heading: float, kind: str | None = None) -> None:
        """A vehicle with its middle at (x, z), driving towards `heading` (radians from the z axis towards x)."""
        rng = self.rng
        kind = kind or rng.choices(list(SHAPES), [weight for _, weight in SHAPES.values()])[0]
        shape = SHAPES[kind][0]
        self.x, self.z, self.cos, self.sin = x, z, math.cos(heading), math.sin(heading)
        self.depth = max(self.camera.depth(x, z), 1.0)
        self.shape = shape
        paint = vary(rng, rng.choice(PAINT), 8)
        if kind == "taxi":
            paint = (24, 24, 26)
        elif kind in ("bus", "double-decker"):
            paint = vary(rng, rng.choice(((150, 30, 34), (50, 90, 150), (205, 205, 200), (60, 120, 90))))
        self.paint, self.glass = paint, vary(rng, (40, 45, 50), 8)
        self.text = plate_text(rng)
        half, end = shape.half, shape.length / 2
        shadow = [
            self._at(sx * (half + 0.12), 0.01, sz * (end + 0.1)) for sx, sz in ((-1, -1), (1, -1), (1, 1), (-1, 1))
        ]
        self.canvas.polygon(self.camera.polygon(shadow), (6, 7, 10), None, 170)
        self._wheels()
        self._body()
        self._cabin(kind)
        for front in (False, True):
            self._end(front, kind)

    def _at(self, right: float, up: float, forward: float) -> Point:
        return self.x + right * self.cos + forward * self.sin, up, self.z - right * self.sin + forward * self.cos

    def _face(self, corners: list[Point], colour: Colour, factor: float, label: int | None = CAR) -> list[Pixel]:
        """Paints a face when it looks at the camera (its corners turn clockwise on the canvas); returns its outline."""
        points = self.camera.polygon([self._at(*corner) for corner in corners])
        if len(points) < 3:
            return []
        area = sum(a[0] * b[1] - b[0] * a[1] for a, b in zip(points, points[1:] + points[:1], strict=True))
        if area <= 0:
            return []
        self.canvas.polygon(points, self.light.shade(colour, self.depth, factor), label)
        return points

    def _both_sides(
        self, outline: list[tuple[float, float]], lean: tuple[float, float], colour: Colour, factor: float
    ) -> None:
        """A face on the left and on the right; `outline` is (forward, up), `lean` half the width at belt and roof."""
        low, high = self.shape.belt, self.shape.roof
        for sign in (-1, 1):
            corners = []
            for forward, up in outline:
                t = min(max((up - low) / (high - low), 0.0), 1.0)
                corners.append((sign * (lean[0] + t * (lean[1] - lean[0])), up, forward))
            lit = 1.0 + 0.25 * self.light.sun * (1 if sign * self.cos > 0 else -1) * -self.light.side
            self._face(corners if sign > 0 else corners[::-1], colour, factor * lit)

    def _wheels(self) -> None:
        """What of the tyres shows below the body; the sides of the wheels are painted with the body."""
        shape, tone = self.shape, self.light.shade((20, 20, 22), self.depth, 0.8)
        r = 0.31 if shape.roof < 2 else 0.42
        for along in (-shape.length * 0.3, shape.length * 0.31):
            for sign in (-1, 1):
                inner, outer = sign * (shape.half - 0.22), sign * (shape.half - 0.01)
                for face in (along - r, along + r):
                    tread = [self._at(sx, y, face) for sx, y in ((inner, 0.0), (inner, r), (outer, r), (outer, 0.0))]
                    self.canvas.polygon(self.camera.polygon(tread), tone, CAR)

    def _body(self) -> None:
        s = self.shape
        end, low, rear_foot, front_foot = s.length / 2, 0.26, s.cabin[0], s.cabin[3]
        outline = [
            (-end, low),
            (-end, s.boot - 0.05),
            (rear_foot, s.belt),
            (front_foot, s.belt),
            (end - 0.1, s.bonnet - 0.1),
            (end, low),
        ]
        self._both_sides(outline, (s.half, s.half), self.paint, 0.85)
        h = s.half
        self._face(
            [(-h, s.boot - 0.05, -end), (-h, s.belt, rear_foot), (h, s.belt, rear_foot), (h, s.boot - 0.05, -end)],
            self.paint,
            1.2,
        )
        self._face(
            [(-h, s.belt, front_foot), (-h, s.bonnet - 0.1, end), (h, s.bonnet - 0.1, end), (h, s.belt, front_foot)],
            self.paint,
            1.25,
        )
        self._face([(-h, low, -end), (-h, s.boot, -end), (h, s.boot, -end), (h, low, -end)], self.paint, 0.95)
        self._face(
            [(h, low, end), (h, s.bonnet - 0.08, end - 0.05), (-h, s.bonnet - 0.08, end - 0.05), (-h, low, end)],
            self.paint,
            0.95,
        )
        # Wheels again, in front of the body's side, with a dark arch; only on the side that can be seen.
        r = 0.31 if s.roof < 2 else 0.42
        for along in (-s.length * 0.3, s.length * 0.31):
            for sign in (-1, 1):
                for radius, tone in ((r * 1.2, (22, 22, 24)), (r, (30, 30, 32)), (r * 0.62, (135, 137, 140))):
                    steps = range(12) if sign < 0 else range(11, -1, -1)
                    ring = [
                        (sign * (h + 0.01), r + radius * math.sin(a * 0.5236), along + radius * math.cos(a * 0.5236))
                        for a in steps
                    ]
                    self._face(ring, tone, 0.9)

    def _cabin(self, kind: str) -> None:
        s = self.shape
        r0, r1, f1, f0 = s.cabin
        wide, slim = s.half * 0.98, s.half * (0.8 if s.glazed and s.roof < 2 else 0.96)
        self._both_sides([(r0, s.belt), (r1, s.roof), (f1, s.roof), (f0, s.belt)], (wide, slim), self.paint, 0.85)
        top, low = s.roof - 0.09, s.belt + 0.03
        if kind in ("bus", "double-decker"):
            decks = ((1.3, 2.3),) if kind == "bus" else ((1.3, 2.1), (2.85, 3.65))
            for y0, y1 in decks:
                for i in range(7):
                    a, b = r0 + 0.3 + i * 1.35, r0 + 1.5 + i * 1.35
                    self._both_sides([(a, y0), (a, y1), (b, y1), (b, y0)], (wide + 0.01, slim + 0.02), self.glass, 1.0)
        elif s.glazed:
            post = r0 + (f0 - r0) * 0.47
            t = 0.86
            ra, fa = r0 + (r1 - r0) * t + 0.12, f0 + (f1 - f0) * t - 0.1
            self._both_sides(
                [(r0 + 0.25, low), (ra, top), (post - 0.05, top), (post - 0.05, low)],
                (wide + 0.005, slim + 0.01),
                self.glass,
                1.0,
            )
            self._both_sides(
                [(post + 0.05, low), (post + 0.05, top), (fa, top), (f0 - 0.3, low)],
                (wide + 0.005, slim + 0.01),
                self.glass,
                1.0,
            )
        else:
            self._both_sides(
                [(f1 - 0.75, low), (f1 - 0.7, top - 0.1), (f1 - 0.05, top - 0.1), (f0 - 0.25, low)],
                (wide + 0.005, slim + 0.01),
                self.glass,
                1.0,
            )
        self._face([(-slim, s.roof, r1), (-slim, s.roof, f1), (slim, s.roof, f1), (slim, s.roof, r1)], self.paint, 1.2)
        rear = [(-wide, s.belt, r0), (-slim, s.roof, r1), (slim, s.roof, r1), (wide, s.belt, r0)]
        front = [(wide, s.belt, f0), (slim, s.roof, f1), (-slim, s.roof, f1), (-wide, s.belt, f0)]
        for corners in (rear, front):
            if self._face(corners, self.paint, 0.9):
                solid_rear = corners is rear and not s.glazed
                self._inset(corners, 0.09, 0.12 if not solid_rear else 0.35, solid_rear)

    def _inset(self, corners: list[Point], edge: float, drop: float, small: bool) -> None:
        """The pane inside an end of the cabin, with the sky reflected in its upper part."""

        def inside(u: float, v: float) -> Point:
            a, b, c, d = corners
            left = [a[i] + (b[i] - a[i]) * v for i in range(3)]
            right = [d[i] + (c[i] - d[i]) * v for i in range(3)]
            p = [left[i] + (right[i] - left[i]) * u for i in range(3)]
            return p[0], p[1] + 0.005, p[2] + (0.01 if corners[0][2] > 0 else -0.01)

        low = 0.45 if small else 0.06
        panes = ((edge, 0.46), (0.54, 1 - edge)) if small else ((edge, 1 - edge),)
        for u0, u1 in panes:
            pane = [inside(u0, low), inside(u0, 1 - drop), inside(u1, 1 - drop), inside(u1, low)]
            outline = self._face(pane, self.glass, 1.0)
            if outline and self.rng.random() < 0.7:
                glow = [
                    inside(u0, 0.62),
                    inside(u0, 1 - drop),
                    inside(u1, 1 - drop),
                    inside(u1, self.rng.uniform(0.3, 0.7)),
                ]
                points = self.camera.polygon([self._at(*p) for p in glow])
                self.canvas.polygon(
                    points, self.light.shade((170, 180, 190), self.depth), None, self.rng.randrange(30, 110)
                )

    def _end(self, front: bool, kind: str) -> None:
        """Lights, bumper, grille and number plate of the rear or the front, when it can be seen."""
        s, rng = self.shape, self.rng
        z = (s.length / 2 + 0.015) * (1 if front else -1)
        flip = -1 if front else 1

        def patch(x0: float, y0: float, x1: float, y1: float, colour: Colour, factor: float = 1.0) -> bool:
            return bool(
                self._face(
                    [(flip * x0, y0, z), (flip * x0, y1, z), (flip * x1, y1, z), (flip * x1, y0, z)],
                    colour,
                    factor,
                    None,
                )
            )

        h, top = s.half, (s.bonnet if front else s.boot)
        if not patch(-h, 0.26, h, 0.5, vary(rng, self.paint if rng.random() < 0.6 else (50, 52, 54), 6), 0.8):
            return
        patch(-h, 0.24, h, 0.3, (24, 24, 26))
        if front:
            patch(-0.5 * h, 0.5, 0.5 * h, top - 0.16, (30, 30, 32))
            lamp = (235, 235, 225) if rng.random() < 0.7 else (160, 165, 170)
            for x in (-0.97 * h, 0.6 * h):
                patch(x, top - 0.3, x + 0.37 * h, top - 0.13, lamp, 1.2)
        else:
            red = (205, 45, 40) if rng.random() < 0.4 else (140, 26, 30)
            tall = rng.uniform(0.2, 0.45)
            for x in (-0.98 * h, 0.72 * h):
                patch(x, max(top - tall - 0.05, 0.5), x + 0.26 * h, top - 0.06, red, 1.1)
                patch(x, max(top - tall - 0.05, 0.5), x + 0.26 * h, top - tall + 0.04, (215, 190, 170))
            patch(-0.6 * h, 0.52, 0.6 * h, 0.56, (30, 30, 32))
        self._plate(front, z, 0.42 if front or rng.random() < 0.35 else min(0.72, top - 0.14))

    def _plate(self, front: bool, z: float, y: float) -> None:
        """White in front, yellow at the rear; it reflects, so it stays readable in dark pictures."""
        w, h, flip = SIZE[0] / 2, SIZE[1] / 2, -1 if front else 1
        z += 0.01 if front else -0.01
        corners = [self.camera.pixel(self._at(flip * x, y + dy, z)) for x, dy in ((-w, h), (w, h), (w, -h), (-w, -h))]
        width, height = self.canvas.width, self.canvas.height
        inside = [c for c in corners if c is not None and 0 <= c[0] < width and 0 <= c[1] < height]
        if len(inside) < 4:
            return
        paper: Colour = (226, 226, 222) if front else (226, 186, 56)
        glow = min(1.3, max(1.0, 0.62 / self.light.gain))
        if inside[1][0] - inside[0][0] < 12:
            self.canvas.polygon(inside, self.light.shade(paper, self.depth, glow))
            return
        paint, ink = self.light.shade(paper, self.depth, glow), self.light.shade((18, 18, 20), self.depth)
        box = paste_plate(self.canvas.image, self.text, inside, paint, ink)
        self.canvas.plates.append(Plate(self.text, box))
