"""The sky, and the silhouettes that stand along the horizon at the end of every street."""

from __future__ import annotations

import random

import numpy as np
from PIL import Image

from veilseg.data.scenes.camera import Camera
from veilseg.data.scenes.canvas import BUILDING, TREE, Canvas
from veilseg.data.scenes.light import Light, vary
from veilseg.data.scenes.textures import patch, tile

COARSE = 4
"""The sky is computed on a grid this many times coarser than the canvas; it has no fine detail."""

TOP = {
    "clear": (120, 165, 225),
    "cloudy": (135, 175, 225),
    "overcast": (185, 192, 200),
    "white": (246, 249, 252),
    "dusk": (70, 85, 110),
}
LOW = {
    "clear": (225, 238, 248),
    "cloudy": (225, 236, 245),
    "overcast": (225, 230, 232),
    "white": (255, 255, 255),
    "dusk": (165, 165, 160),
}
CLOUD = {"clear": 0.0, "cloudy": 1.0, "overcast": 0.6, "white": 0.25, "dusk": 0.9}


def paint_sky(canvas: Canvas, rng: random.Random, light: Light, horizon: float) -> None:
    """Fills the canvas down to the horizon: a gradient from top to horizon, and clouds by the weather."""
    # Below the horizon everything is ground.
    height, width = -(-min(canvas.height, int(horizon) + 80) // COARSE), -(-canvas.width // COARSE)
    top = np.array(vary(rng, TOP[light.weather], 14), np.float32)
    low = np.array(vary(rng, LOW[light.weather], 8), np.float32)
    if light.weather == "dusk" and rng.random() < 0.5:
        low = np.array((215, 165, 130), np.float32)
    ramp = np.clip(np.linspace(0.0, 1.1, height, dtype=np.float32), 0, 1)[:, None, None]
    sky = np.repeat(top + (low - top) * ramp, width, axis=1)
    strength = CLOUD[light.weather] * rng.uniform(0.5, 1.2)
    if strength > 0:
        field = patch(rng, tile("cloud"), height * 2, width)[::2].astype(np.float32) / 100
        cover = np.clip((field + rng.uniform(-0.35, 0.5)) * rng.uniform(1.0, 2.5) + 0.3, 0, 1)[..., None]
        dark = light.weather in ("dusk", "overcast")
        bright = np.array((95, 100, 108) if dark and rng.random() < 0.6 else (250, 250, 250), np.float32)
        if light.weather == "overcast":
            bright = bright * 0.5 + 105
        inner = patch(rng, tile("cloud"), height * 2, width)[::2, :, None].astype(np.float32) / 100
        sky += (bright + 22 * inner - sky) * cover * min(strength, 1.0)
    if light.weather != "dusk":
        sky = sky * rng.uniform(0.97, 1.25)
    picture = Image.fromarray(np.clip(sky, 0, 255).astype(np.uint8))
    canvas.image.paste(picture.resize((width * COARSE, height * COARSE), Image.Resampling.BILINEAR))


def paint_skyline(canvas: Canvas, rng: random.Random, camera: Camera, light: Light, green: float) -> None:
    """Far roofs and tree tops along the horizon; `green` is the share of trees (0..1)."""
    unit = camera.focal / 130
    left = -rng.uniform(0, 40)
    while left < canvas.width:
        wide = rng.uniform(4, 22) * unit
        right = left + wide
        # The horizon tilts with the camera's roll.
        base = camera.horizon + camera.roll_sin * (left + wide / 2 - camera.centre) + 3
        if rng.random() < green:
            colour = light.shade(vary(rng, rng.choice(((88, 96, 66), (105, 100, 82), (70, 82, 58)))), 150)
            x = left
            while x < right:
                r = rng.uniform(1.5, 4.5) * unit
                top = base - rng.uniform(2, 9) * unit
                canvas.ellipse(x, top + r, r * 1.3, r, colour, TREE)
                canvas.polygon([(x - r, base), (x - r, top + r), (x + r, top + r), (x + r, base)], colour, TREE)
                x += r * 1.2
        else:
            colour = light.shade(vary(rng, rng.choice(((120, 90, 75), (150, 142, 125), (110, 110, 115)))), 150)
            tall = rng.uniform(3, 12) * unit
            roof = rng.uniform(0, 4) * unit
            box = [(left, base), (left, base - tall), (right, base - tall), (right, base)]
            canvas.polygon(box, colour, BUILDING)
            dark = light.shade(vary(rng, (85, 80, 82)), 150)
            peak = [(left, base - tall), ((left + right) / 2, base - tall - roof), (right, base - tall)]
            canvas.polygon(peak, dark, BUILDING)
            for _ in range(int(wide / unit / 4)):
                x, y = rng.uniform(left, right), base - rng.uniform(0.2, 0.8) * tall
                canvas.polygon([(x, y), (x + unit, y), (x + unit, y + 1.4 * unit), (x, y + 1.4 * unit)], dark)
        left = right * 1.0 + rng.choice((0, 0, 0, rng.uniform(0, 12))) * unit * 0.3
