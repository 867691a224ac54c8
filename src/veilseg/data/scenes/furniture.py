"""Street furniture: lamp posts, traffic lights, signs, bollards, and the fences and railings along the frontage."""

from __future__ import annotations

import math
import random

from veilseg.data.scenes.camera import Camera, Pixel, Point, Road
from veilseg.data.scenes.canvas import FENCE, POLE, SIGN, Canvas
from veilseg.data.scenes.light import Colour, Light, vary

STEEL: tuple[Colour, ...] = ((92, 96, 98), (60, 64, 64), (128, 132, 134), (46, 52, 48), (150, 150, 148))
THIN = 2.6
"""Canvas pixels that the label of a thin thing is wide at least: annotators do not paint hairlines."""


class FurniturePainter:
    """Paints what stands on the pavement: poles, signs, fences."""

    def __init__(self, canvas: Canvas, rng: random.Random, camera: Camera, light: Light, road: Road) -> None:
        self.canvas, self.rng, self.camera, self.light, self.road = canvas, rng, camera, light, road
        self.steel = rng.choice(STEEL)
        self.railing = rng.choice(STEEL)

    def _foot(self, x: float, z: float) -> tuple[float, float, float, float] | None:
        """Canvas x, y, scale and depth of a place on the ground; None when it is too near or behind."""
        depth = self.camera.depth(x, z)
        foot = self.camera.pixel((x, 0.0, z))
        if foot is None or depth < 2.5:
            return None
        return foot[0], foot[1], self.camera.scale(depth), depth

    def _pole(self, x: float, y: float, height: float, width: float, scale: float, colour: Colour) -> Pixel:
        top = (x + self.rng.gauss(0, 0.004) * height * scale, y - height * scale)
        self.canvas.line([(x, y), top], width * scale, colour, POLE, THIN)
        return top

    def lamp(self, x: float, z: float, towards: int) -> None:
        """A lamp post; its arm points towards the road (-1 to the left, 1 to the right on the canvas)."""
        place = self._foot(x, z)
        if place is None:
            return
        px, py, scale, depth = place
        rng = self.rng
        colour = self.light.shade(vary(rng, self.steel, 8), depth)
        height = rng.uniform(5, 10)
        top = self._pole(px, py, height, 0.13, scale, colour)
        self.canvas.line([(px, py), (px, py - 1.2 * scale)], 0.22 * scale, colour, POLE, THIN)
        reach = rng.uniform(0.3, 2.2) * scale * towards
        end = (top[0] + reach, top[1] - rng.uniform(0, 0.5) * scale)
        self.canvas.line([top, end], 0.09 * scale, colour, POLE, THIN)
        head = self.light.shade((140, 142, 140), depth)
        self.canvas.ellipse(end[0], end[1], max(1.2, 0.38 * scale), max(0.8, 0.11 * scale), head, POLE)

    def post(self, x: float, z: float) -> None:
        """A bare post or bollard."""
        place = self._foot(x, z)
        if place is not None:
            px, py, scale, depth = place
            tall = self.rng.random() < 0.35
            tone = self.light.shade(vary(self.rng, self.rng.choice(STEEL)), depth)
            self._pole(px, py, self.rng.uniform(3, 6) if tall else 1.0, 0.09 if tall else 0.16, scale, tone)

    def signal(self, x: float, z: float) -> None:
        """A traffic light on its pole: a black box with three lamps, now and then on a white board."""
        place = self._foot(x, z)
        if place is None:
            return
        px, py, scale, depth = place
        rng = self.rng
        self._pole(px, py, 3.4, 0.12, scale, self.light.shade((58, 60, 60), depth))
        for dx, base in ((0.0, 2.3), (rng.choice((-0.45, 0.45)), 2.3))[: rng.randint(1, 2)]:
            cx, low = px + dx * scale, py - base * scale
            w, h = 0.19 * scale, 1.05 * scale
            if rng.random() < 0.3:
                board = self.light.shade((200, 200, 195), depth)
                self._rectangle(cx, low - h / 2, w * 1.8, h * 0.66, board, SIGN)
            self._rectangle(cx, low - h / 2, w, h / 2, self.light.shade((26, 27, 29), depth), SIGN)
            lit = rng.randrange(3)
            for i, colour in enumerate(((235, 60, 45), (240, 165, 50), (70, 220, 140))):
                tone = colour if i == lit else self.light.shade((48, 46, 44), depth)
                self.canvas.ellipse(cx, low - h + (i + 0.5) * h / 3, w * 0.6, w * 0.6, tone)

    def sign(self, x: float, z: float) -> None:
        """A traffic sign on a pole: disc, triangle, direction board, small plate, or a free-standing advertisement."""
        place = self._foot(x, z)
        if place is None:
            return
        px, py, scale, depth = place
        rng = self.rng
        kind = rng.choices(
            ("disc", "blue", "triangle", "board", "plate", "advert", "bollard"), (20, 15, 18, 18, 14, 8, 10)
        )[0]
        red, white = self.light.shade((190, 36, 40), depth), self.light.shade((225, 225, 222), depth, 1.1)
        blue, dark = self.light.shade((34, 80, 165), depth), self.light.shade((40, 40, 42), depth)
        if kind == "bollard":
            body = self.light.shade((215, 205, 60) if rng.random() < 0.5 else (210, 210, 205), depth)
            self._rectangle(px, py - 0.5 * scale, 0.24 * scale, 0.5 * scale, body, SIGN)
            self.canvas.ellipse(px, py - 0.68 * scale, 0.18 * scale, 0.18 * scale, blue)
            return
        if kind == "advert":
            w, h, base = rng.uniform(0.5, 0.9) * scale, rng.uniform(0.8, 1.3) * scale, rng.uniform(0.1, 0.5) * scale
            tone = self.light.shade(
                vary(rng, rng.choice(((60, 70, 140), (190, 60, 50), (60, 120, 80), (215, 215, 210)))), depth
            )
            self._rectangle(px, py - base - h, w, h, dark, SIGN)
            self._rectangle(px, py - base - h, w * 0.88, h * 0.9, tone, SIGN)
            self._lettering(px, py - base - 1.4 * h, w * 0.7, h * 0.12, white)
            return
        height, r = rng.uniform(2.1, 3.2), rng.uniform(0.3, 0.45) * scale
        top = self._pole(px, py, height, 0.08, scale, self.light.shade(vary(rng, (120, 122, 124)), depth))
        cx, cy = top[0], top[1] + r * 0.5
        if kind in ("disc", "blue"):
            self.canvas.ellipse(cx, cy, r, r, red if kind == "disc" else white, SIGN)
            self.canvas.ellipse(cx, cy, r * 0.78, r * 0.78, white if kind == "disc" else blue)
            ink = dark if kind == "disc" else white
            self._rectangle(
                cx, cy, r * (0.45 if kind == "disc" else 0.14), r * (0.14 if rng.random() < 0.5 else 0.45), ink
            )
        elif kind == "triangle":
            flip = 1 if rng.random() < 0.8 else -1
            for size, tone in ((1.1, red), (0.72, white)):
                points = [
                    (cx, cy - r * size * flip),
                    (cx + r * size, cy + r * 0.8 * size * flip),
                    (cx - r * size, cy + r * 0.8 * size * flip),
                ]
                self.canvas.polygon(points, tone, SIGN)
            self._rectangle(cx, cy + r * 0.15, r * 0.1, r * 0.3, dark)
        else:
            w, h = (rng.uniform(0.6, 1.3) * scale, rng.uniform(0.35, 0.8) * scale) if kind == "board" else (r * 0.7, r)
            tone = self.light.shade(rng.choice(((30, 90, 62), (34, 80, 165), (222, 222, 218), (225, 195, 60))), depth)
            self._rectangle(cx, cy, w, h, white, SIGN)
            self._rectangle(cx, cy, w * 0.93, h * 0.9, tone)
            for i in range(rng.randint(1, 3)):
                self._lettering(cx, cy - h * 0.5 + i * h * 0.5, w * 0.7, h * 0.12, white if sum(tone) < 420 else dark)

    def railing_along(self, across: float, start: float, end: float, height: float, kind: str) -> None:
        """A fence along the road: "bars" can be seen through, "panels" cannot; the label is the whole plane."""
        points = self.camera.polygon(self.road.strip(across, across, start, end, 0.0, height))
        if self.canvas.outside(points):
            return
        rng = self.rng
        x, z = self.road.at(max((start + end) / 2, 1), across)
        tone = vary(rng, self.railing if kind == "bars" else rng.choice(((112, 92, 72), (96, 98, 96), (80, 66, 52))), 8)
        if kind == "panels":
            self.canvas.polygon(points, self.light.shade(tone, self.camera.depth(x, z)), FENCE)
            step, dark = rng.choice((1.8, 0.3, 0.9)), vary(rng, tone, 5)
        else:
            self.canvas.polygon(points, self.light.shade(tone, self.camera.depth(x, z)), FENCE, rng.randrange(30, 90))
            step, dark = rng.choice((0.12, 0.16, 1.2)), tone
            for y in (0.15 * height, height):
                rail = self.camera.polygon(self.road.strip(across, across, start, end, y - 0.03, y + 0.03))
                self.canvas.polygon(rail, self.light.shade(tone, self.camera.depth(x, z)), FENCE)
        s = max(start, 1.0)
        while s < min(end, 45):
            depth = self.camera.depth(*self.road.at(s, across))
            bx, bz = self.road.at(s, across)
            foot, top = self.camera.pixel((bx, 0, bz)), self.camera.pixel((bx, height, bz))
            if foot is not None and top is not None and depth > 1.5:
                self.canvas.line([foot, top], 0.03 * self.camera.scale(depth), self.light.shade(dark, depth, 0.8))
            # Bars that would be closer than two canvas pixels blur into one tone anyway.
            s += max(step, 2.5 * depth / self.camera.focal * max(depth, 1) / max(abs(across), 1))

    def gantry(self, along: float, left: float, right: float) -> None:
        """A pair of posts with a board between them, over the road."""
        depth = self.camera.depth(*self.road.at(along, 0))
        points: list[Point] = []
        for across, y in ((left, 5.2), (left, 6.6), (right, 6.6), (right, 5.2)):
            x, z = self.road.at(along, across)
            points.append((x, y, z))
        self.canvas.polygon(self.camera.polygon(points), self.light.shade((34, 86, 150), depth), SIGN)
        for across in (left, right):
            x, z = self.road.at(along, across)
            place = self._foot(x, z)
            if place is not None:
                self._pole(place[0], place[1], 6.6, 0.25, place[2], self.light.shade(self.steel, depth))

    def _rectangle(self, x: float, y: float, w: float, h: float, colour: Colour, label: int | None = None) -> None:
        self.canvas.polygon([(x - w, y - h), (x + w, y - h), (x + w, y + h), (x - w, y + h)], colour, label)

    def _lettering(self, x: float, y: float, w: float, h: float, colour: Colour) -> None:
        if h < 0.8:
            return
        count = self.rng.randint(3, 8)
        step = 2 * w / count
        for i in range(count):
            cx = x - w + (i + 0.5) * step
            self._rectangle(cx, y, step * 0.3, h * (0.8 + 0.2 * math.cos(i)), colour)
