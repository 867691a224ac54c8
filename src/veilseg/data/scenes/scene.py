"""One generated street scene: plan it, paint it back to front, photograph it."""

from __future__ import annotations

import random
from dataclasses import dataclass

import numpy as np

from veilseg.data.base import Plate
from veilseg.data.scenes.camera import Camera
from veilseg.data.scenes.canvas import SCALE, Canvas
from veilseg.data.scenes.ground import GroundPainter
from veilseg.data.scenes.layout import draw_plan
from veilseg.data.scenes.light import Light
from veilseg.data.scenes.photography import photograph
from veilseg.data.scenes.plates import LEGIBLE
from veilseg.data.scenes.sky import paint_sky, paint_skyline
from veilseg.data.scenes.street import Street
from veilseg.errors import UsageError


@dataclass(frozen=True)
class Scene:
    """A generated photograph with its truth.

    `image` is uint8 [H, W, 3]; `label` is uint8 [H, W] with CamVid's 11 ids (no pixel is ignored); `plates` lists the
    number plates that nothing hides and whose text is at least LEGIBLE pixels tall: the text and its box
    (left, top, right, bottom) in pixels, right and bottom exclusive.
    """

    image: np.ndarray
    label: np.ndarray
    plates: tuple[Plate, ...]


def generate_scene(seed: int, size: tuple[int, int] = (360, 480)) -> Scene:
    """The scene number `seed` (0 or more) at `size` (height, width), the same on every machine and in every process.

    Only Python's and Pillow's own drawing are used (no installed fonts, no random state of NumPy); another release of
    Pillow may move single pixels at the borders of shapes.

    Raises UsageError for a negative seed or sides below 32 pixels.
    """
    height, width = size
    if seed < 0:
        raise UsageError(f"the seed of a scene is 0 or more, not {seed}")
    if height < 32 or width < 32:
        raise UsageError(f"a scene is at least 32x32 pixels, not {width}x{height}")
    rng = random.Random(f"veilseg scene {seed}")
    plan, light = draw_plan(rng), Light(rng)
    camera = Camera(rng, size, SCALE, plan.lane)
    canvas = Canvas(camera.height, camera.width)
    paint_sky(canvas, rng, light, camera.horizon)
    GroundPainter(canvas, rng, camera, light, plan).run()
    paint_skyline(canvas, rng, camera, light, green=0.8 if plan.character in ("green", "suburb") else 0.45)
    street = Street(canvas, rng, camera, light, plan)
    for _, paint in sorted(street.drawables(), key=lambda drawable: -drawable[0]):
        paint()
    image, label = canvas.finish()
    plates = []
    for plate in canvas.plates:
        left, top, right, bottom = (round(v / SCALE) for v in plate.box)
        if plate.visible and bottom - top >= LEGIBLE:
            plates.append((plate.text, (left, top, right, bottom)))
    return Scene(photograph(image, label, rng, light), label, tuple(plates))
