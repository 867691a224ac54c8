"""Who and what is where on one street: every lot, tree, post, car and person, to be painted from far to near."""

from __future__ import annotations

import math
import random
from collections.abc import Callable

from veilseg.data.scenes.buildings import BuildingPainter
from veilseg.data.scenes.camera import Camera
from veilseg.data.scenes.canvas import SCALE, Canvas
from veilseg.data.scenes.furniture import FurniturePainter
from veilseg.data.scenes.garage import SMALL
from veilseg.data.scenes.layout import Layout, Lot, Side
from veilseg.data.scenes.light import Light
from veilseg.data.scenes.people import PeoplePainter
from veilseg.data.scenes.plants import PlantPainter
from veilseg.data.scenes.plates import LEGIBLE, TEXT_HEIGHT
from veilseg.data.scenes.vehicles import VehiclePainter

Drawable = tuple[float, Callable[[], None]]
"""Distance of the far end, and what to paint there."""


class Street:
    """Everything that stands on the ground, as drawables that are painted from far to near."""

    def __init__(self, canvas: Canvas, rng: random.Random, camera: Camera, light: Light, plan: Layout) -> None:
        self.rng, self.plan, self.camera = rng, plan, camera
        self.clear = (0.0, 0.0)
        self.buildings = BuildingPainter(canvas, rng, camera, light, plan)
        self.plants = PlantPainter(canvas, rng, camera, light)
        self.furniture = FurniturePainter(canvas, rng, camera, light, plan.road)
        self.vehicles = VehiclePainter(canvas, rng, camera, light)
        self.people = PeoplePainter(canvas, rng, camera, light)

    def drawables(self) -> list[Drawable]:
        """What is painted, each with its depth."""
        found = self._traffic()  # First: what stands on the kerb leaves the near car in view.
        for side in self.plan.sides:
            for lot in side.lots:
                found += self._lot(side, lot)
            found += self._kerbside(side)
        return found

    def _ground(self, along: float, across: float) -> tuple[float, float]:
        return self.plan.road.at(along, across)

    def _lot(self, side: Side, lot: Lot) -> list[Drawable]:
        """A frontage is painted when everything beyond its far end is done."""
        rng, front = self.rng, self.plan.front(side)
        drawables: list[Drawable] = []
        if lot.kind in ("shop", "house", "block", "tower", "wall"):
            drawables.append((lot.end, lambda: self.buildings.lot(side, lot)))
        if lot.kind in ("garden", "wall", "open", "fence", "hedge") or rng.random() < 0.08:
            for _ in range(rng.randint(0, 3) if lot.kind != "garden" else rng.randint(1, 5)):
                s, out = rng.uniform(lot.start, lot.end), rng.uniform(2, 14)
                behind = lot.kind in ("shop", "house", "block", "tower")
                drawables.append(
                    self._tree(max(s, lot.end + 0.1) if behind else s, front + side.sign * (out + 14 * behind))
                )
        if lot.kind in ("garden", "open") and rng.random() < 0.5:
            drawables.append((lot.end + 1, lambda: self.buildings.box(far, Lot("house", lot.start, lot.end), 2, 2.8)))
            far = Side(side.sign, side.pavement, side.verge, False, side.setback + rng.uniform(12, 30), side.beyond)
        hedge = rng.uniform(0.8, 2.4)
        if lot.kind == "hedge" or (lot.kind == "garden" and rng.random() < 0.6):
            drawables += self._row(front, max(lot.start, 2.0), min(lot.end, 70), hedge)
        if lot.kind == "fence" or (lot.kind in ("garden", "open") and rng.random() < 0.45):
            kind, tall = ("bars", rng.uniform(0.9, 2.2)) if rng.random() < 0.65 else ("panels", rng.uniform(1.2, 2.0))
            drawables.append(
                (lot.end - 0.2, lambda: self.furniture.railing_along(front, lot.start, lot.end, tall, kind))
            )
        if side.setback > 0.7 and lot.kind == "house":
            line = front - side.sign * (side.setback - 0.1)
            if rng.random() < 0.4:
                drawables += self._row(line, max(lot.start + 1, 2.0), min(lot.end, 60), rng.uniform(0.7, 1.8))
            elif rng.random() < 0.4:
                kind = "bars" if rng.random() < 0.6 else "panels"
                drawables.append(
                    (lot.end - 0.3, lambda: self.furniture.railing_along(line, lot.start, lot.end - 1, 1.0, kind))
                )
        return drawables

    def _tree(self, along: float, across: float) -> Drawable:
        x, z = self._ground(along, across)
        height = self.rng.uniform(4, 12)
        return along, lambda: self.plants.tree(x, z, height)

    def _row(self, across: float, start: float, end: float, height: float) -> list[Drawable]:
        drawables: list[Drawable] = []
        s = start
        while s < end:
            x, z = self._ground(s, across + self.rng.uniform(-0.2, 0.2))
            tall = height * self.rng.uniform(0.85, 1.15)
            wide = self.rng.uniform(1.6, 2.6)
            drawables.append((s, lambda x=x, z=z, tall=tall, wide=wide: self.plants.bush(x, z, wide, tall)))  # type: ignore[misc]
            s += max(0.9, s * 0.08)
        return drawables

    def _kerbside(self, side: Side) -> list[Drawable]:
        """What stands on the pavement: trees, lamps, signs, signals, posts, railings, people."""
        rng, drawables = self.rng, list[Drawable]()
        edge = side.sign * (self.plan.half + 0.5)
        inner = side.sign * (self.plan.half + max(0.6, side.depth - side.setback - 0.4))
        if rng.random() < 0.25:
            s, gap = rng.uniform(5, 14), rng.uniform(7, 18)
            while s < 90:
                drawables.append(self._tree(s, edge + side.sign * 0.6))
                s += gap * rng.uniform(0.8, 1.3)
        s, gap = rng.uniform(6, 26), rng.uniform(18, 34)
        while s < 120 and rng.random() < 0.9:
            x, z = self._ground(s, edge)
            drawables.append((s, lambda x=x, z=z: self.furniture.lamp(x, z, -side.sign)))  # type: ignore[misc]
            s += gap
        for paint, most, nearest, farthest in (
            (self.furniture.sign, 5, 7, 60),
            (self.furniture.signal, 2, 9, 45),
            (self.furniture.post, 3, 6, 50),
        ):
            for _ in range(rng.randint(0, most)):
                s = rng.uniform(nearest, farthest)
                x, z = self._ground(s, edge + side.sign * rng.uniform(-0.1, 0.8))
                drawables.append((s, lambda x=x, z=z, paint=paint: paint(x, z)))  # type: ignore[misc]
        if rng.random() < 0.3:
            s, length = rng.uniform(3, 25), rng.uniform(5, 25)
            railing = (edge, s, s + length, 1.05, "bars")
            drawables.append((s + length, lambda: self.furniture.railing_along(*railing)))
        if rng.random() < 0.2:
            s0, gap = rng.uniform(5, 12), rng.uniform(1.4, 2.5)
            for i in range(rng.randint(3, 9)):
                x, z = self._ground(s0 + gap * i, edge)
                drawables.append((s0 + gap * i, lambda x=x, z=z: self.furniture.post(x, z)))  # type: ignore[misc]
        count = rng.choice((0, 1, 2, 3, rng.randint(3, 9)))
        for _ in range(count):
            s = 5.5 + rng.expovariate(1 / 16)
            across = rng.uniform(min(edge, inner), max(edge, inner))
            if not self._free(s, across):
                continue
            x, z = self._ground(s, across)
            drawables.append((s, lambda x=x, z=z: self.people.pedestrian(x, z)))  # type: ignore[misc]
        return drawables

    def _near_car(self) -> tuple[float, float, bool] | None:
        """A place (along, across, driving away) for a car whose number plate can be read, where there is one."""
        rng, half, lane = self.rng, self.plan.half, self.plan.lane
        farthest = TEXT_HEIGHT * self.camera.focal / SCALE / (LEGIBLE + 0.6)
        # In small pictures no plate can be read: the car then stands at an ordinary distance.
        reach = max(4.5, min(9.0, farthest if farthest > 5 else 9.0) * rng.uniform(0.72, 1.0))
        places = [
            (lane + rng.gauss(0, 0.4), True),
            (-half + rng.uniform(0.7, 1.0), True),
            (max(lane + 2.4, half * rng.uniform(0.25, 0.6)), False),
        ]
        places.insert(0, places.pop(rng.choices((0, 1, 2), (50, 27, 23))[0]))
        for across, away in places:
            x, z = self._ground(reach, across)
            plate = self.camera.pixel((x, 0.6, z))
            if plate is not None and 0.1 < plate[0] / self.camera.width < 0.9:
                self.clear = (reach + 2, across)
                return reach + 2.3, across, away
        return None

    def _free(self, along: float, across: float) -> bool:
        """Whether nobody who stands here hides the near car."""
        return along > self.clear[0] or abs(across - self.clear[1] * along / self.clear[0]) > 2.2

    def _traffic(self) -> list[Drawable]:
        """Cars ahead, coming and parked, cyclists, people who cross; one car is near enough to read its plate."""
        rng, half, drawables = self.rng, self.plan.half, list[Drawable]()
        taken: list[tuple[float, float, float]] = []

        def vehicle(along: float, across: float, away: bool, kind: str | None = None, turn: float = 0.0) -> None:
            if any(abs(along - s) < 5.5 + 4 * (k is not None) and abs(across - d) < 2.2 for s, d, k in taken):
                return
            taken.append((along, across, 0.0))
            x, z = self._ground(along, across)
            heading = self.plan.road.heading(along) + (0.0 if away else math.pi) + turn
            drawables.append((along, lambda: self.vehicles.draw(x, z, heading, kind)))

        near = self._near_car() if rng.random() < 0.92 else None
        if near is not None:
            vehicle(*near, rng.choice(SMALL), rng.gauss(0, 0.05))
        for _ in range(rng.choice((0, 0, 1, 2, 3))):
            vehicle(rng.uniform(14, 70), self.plan.lane + rng.gauss(0, 0.4), True)
        for _ in range(rng.choice((0, 1, 1, 2, 3))):
            vehicle(rng.uniform(11, 70), half * rng.uniform(0.35, 0.6), False)
        for sign in (-1, 1):
            if rng.random() < (0.4 if half > 3.6 else 0.2):
                s = rng.uniform(9, 22)
                away = sign < 0 or rng.random() < 0.3
                while s < 75:
                    if rng.random() < 0.75:
                        vehicle(
                            s,
                            sign * (half - 0.95),
                            away,
                            None if rng.random() < 0.3 else rng.choice(SMALL),
                            rng.gauss(0, 0.02),
                        )
                    s += rng.uniform(5.4, 7)
        for _ in range(rng.choice((0, 0, 1, 1, 2, 3))):
            s = 6 + rng.expovariate(1 / 14)
            across = rng.choice((-half + rng.uniform(0.3, 1.0), half - rng.uniform(0.3, 1.0), rng.uniform(-half, half)))
            sideways = rng.random() < 0.35
            if not self._free(s, across):
                continue
            x, z = self._ground(s, across)
            drawables.append((s, lambda x=x, z=z, sideways=sideways: self.people.cyclist(x, z, sideways)))  # type: ignore[misc]
        if rng.random() < 0.15:
            for _ in range(rng.randint(1, 3)):
                s = rng.uniform(8, 30)
                x, z = self._ground(s, rng.uniform(-half, half))
                drawables.append((s, lambda x=x, z=z: self.people.pedestrian(x, z)))  # type: ignore[misc]
        if rng.random() < 0.03:
            s = rng.uniform(25, 60)
            drawables.append((s, lambda: self.furniture.gantry(s, -half - 1, half + 1)))
        return drawables
