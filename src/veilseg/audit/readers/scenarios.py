"""How large the letters of a number plate are in a photograph, in pixels and in cells."""

from __future__ import annotations

import math
from dataclasses import dataclass

from veilseg.scale import working_size

PLATE_LETTER = 0.079
"""Metres: the height of a British plate's characters (Road Vehicles (Display of Registration Marks) Regulations)."""


@dataclass(frozen=True)
class Camera:
    """A camera by its picture's width and height in pixels, and its horizontal field of view in degrees."""

    name: str
    width: int
    height: int
    field: float

    def letter(self, metres: float, longer_side: int) -> float:
        """Pixels of a plate's letter, seen from the front near the middle of the picture, at a working size."""
        focal = self.width / 2 / math.tan(math.radians(self.field / 2))
        _, width = working_size(self.height, self.width, longer_side)
        return PLATE_LETTER / metres * focal * width / self.width


CAMERAS = (
    Camera("phone, 4000 x 3000", 4000, 3000, 65),
    Camera("dashcam, 1920 x 1080", 1920, 1080, 100),
    Camera("CamVid, 480 x 360 of 960 x 720", 960, 720, 60),
)
"""Of CamVid's camera the field of view is an assumption."""
DISTANCES = (4, 8, 15)
