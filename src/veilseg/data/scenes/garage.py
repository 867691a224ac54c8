"""The vehicles that drive here: their measures, how common they are, and the colours they are painted in."""

from __future__ import annotations

from dataclasses import dataclass

from veilseg.data.scenes.light import Colour

PAINT: tuple[Colour, ...] = (
    (32, 33, 36),
    (150, 153, 156),
    (200, 202, 204),
    (84, 88, 94),
    (42, 54, 88),
    (120, 28, 32),
    (52, 82, 62),
    (60, 96, 150),
    (180, 172, 150),
    (24, 26, 40),
)


@dataclass(frozen=True)
class Shape:
    """Metres: length, half width, heights of bonnet, belt, boot and roof, and where the cabin stands on the body.

    `cabin` is (rear foot, rear top, front top, front foot), measured from the middle, forward.
    """

    length: float
    half: float
    bonnet: float
    belt: float
    boot: float
    roof: float
    cabin: tuple[float, float, float, float]
    glazed: bool = True


SHAPES: dict[str, tuple[Shape, float]] = {
    "hatchback": (Shape(3.9, 0.84, 0.86, 0.95, 0.93, 1.46, (-1.93, -1.5, 0.25, 1.05)), 34),
    "saloon": (Shape(4.5, 0.88, 0.84, 0.93, 0.97, 1.42, (-1.55, -0.95, 0.3, 1.05)), 18),
    "estate": (Shape(4.6, 0.88, 0.86, 0.95, 0.95, 1.47, (-2.28, -2.0, 0.3, 1.1)), 14),
    "off-roader": (Shape(4.5, 0.93, 1.05, 1.12, 1.12, 1.8, (-2.22, -2.0, 0.35, 1.0)), 10),
    "taxi": (Shape(4.5, 0.87, 1.0, 1.05, 1.02, 1.75, (-2.1, -1.6, 0.4, 0.85)), 4),
    "van": (Shape(5.0, 0.97, 1.15, 1.15, 1.15, 2.1, (-2.48, -2.46, 1.1, 1.9), False), 12),
    "bus": (Shape(10.0, 1.25, 1.2, 1.2, 1.2, 3.1, (-4.98, -4.95, 4.85, 4.98)), 3),
    "double-decker": (Shape(10.0, 1.25, 1.2, 1.2, 1.2, 4.3, (-4.98, -4.95, 4.85, 4.98)), 3),
}
"""Every kind of vehicle with its weight."""

SMALL = ("hatchback", "saloon", "estate", "off-roader", "taxi", "van")
"""Those that park at the kerb."""
