"""From painted sheet to photograph: surface texture, bloom, vignette, tone, colour cast, blur and sensor noise."""

from __future__ import annotations

import random

import numpy as np
from PIL import Image, ImageFilter

from veilseg.data.scenes.canvas import BUILDING, CAR, FENCE, PAVEMENT, ROAD, TREE
from veilseg.data.scenes.light import Light
from veilseg.data.scenes.textures import patch, sensor_tile, tile

GRAIN = {BUILDING: 20, ROAD: 13, PAVEMENT: 17, TREE: 26, FENCE: 18, CAR: 7}
"""Contrast of the texture by class, in 1/128 of the brightness; other classes have none."""


def photograph(image: np.ndarray, label: np.ndarray, rng: random.Random, light: Light) -> np.ndarray:
    """The photograph of a painted scene: uint8 [H, W, 3] and label [H, W] -> uint8 [H, W, 3]."""
    height, width = label.shape
    strength = np.zeros(256, dtype=np.int16)
    for cls, amount in GRAIN.items():
        strength[cls] = int(amount * rng.uniform(0.4, 1.6))
    texture = patch(rng, tile("grain"), height, width) + (patch(rng, tile("rough"), height, width) >> 1)
    texture = (np.clip(texture, -128, 127) * strength[label]) >> 7
    # v + v * texture / 128, in small integers: fast, and every machine rounds alike.
    pixels = image.astype(np.int16)
    pixels += pixels * texture[..., None] >> 7
    np.clip(pixels, 0, 255, out=pixels)
    picture = Image.fromarray(pixels.astype(np.uint8))
    picture = _bloom(picture, rng)
    picture = _blur(picture, rng, height)
    picture = picture.point(_tone(rng, light))
    return _sense(np.asarray(picture), rng)


def _bloom(picture: Image.Image, rng: random.Random) -> Image.Image:
    """Bright sky spills over dark edges, as in cheap lenses."""
    amount = rng.uniform(0.0, 0.35)
    if amount < 0.08:
        return picture
    small = picture.resize((max(1, picture.width // 8), max(1, picture.height // 8)), Image.Resampling.BOX)
    bright = small.point([max(0, v - 170) * 2 for v in range(256)] * 3).filter(ImageFilter.BoxBlur(2))
    spill = bright.resize(picture.size, Image.Resampling.BILINEAR).point([int(v * amount) for v in range(256)] * 3)
    total = np.asarray(picture, dtype=np.uint16) + np.asarray(spill)
    return Image.fromarray(np.minimum(total, 255).astype(np.uint8))


def _blur(picture: Image.Image, rng: random.Random, height: int) -> Image.Image:
    """Focus and motion; never so much that a number plate of eight pixels is lost."""
    chance = rng.random()
    if chance < 0.45:
        return picture.filter(ImageFilter.BoxBlur(rng.uniform(0.1, 0.45) * height / 360))
    if chance < 0.6:
        edge, middle = (-1, 12) if rng.random() < 0.5 else (-1, 20)
        kernel = (0, edge, 0, edge, middle, edge, 0, edge, 0)
        return picture.filter(ImageFilter.Kernel((3, 3), kernel, scale=middle + 4 * edge))
    return picture


def _tone(rng: random.Random, light: Light) -> list[int]:
    """Gamma, contrast, exposure and colour cast as one table for the three channels."""
    gamma, exposure, contrast = rng.uniform(0.8, 1.25), rng.uniform(0.85, 1.2), rng.uniform(0.0, 0.45)
    cast = (rng.gauss(0, 0.04), rng.gauss(0, 0.02), rng.gauss(0, 0.04))
    lift = rng.uniform(0, 14) if light.weather != "dusk" else rng.uniform(0, 6)
    table = []
    for channel in range(3):
        for value in range(256):
            v = min(1.0, value / 255 * exposure * (1 + cast[channel])) ** gamma
            v += contrast * (v * v * (3 - 2 * v) - v)
            table.append(min(255, max(0, round(lift + v * (255 - lift)))))
    return table


def _sense(pixels: np.ndarray, rng: random.Random) -> np.ndarray:
    """Sensor noise, partly common to the channels, and a vignette."""
    height, width = pixels.shape[:2]
    total = pixels.astype(np.int16)
    amount = rng.choice((0, rng.uniform(0.5, 3), rng.uniform(2, 8)))
    if amount > 0:
        factor = int(amount / 148 * 1024)
        total += (patch(rng, sensor_tile(), height, width) * np.int16(factor) >> 10)[..., None]
        for channel in range(3):
            total[..., channel] += patch(rng, sensor_tile(), height, width) * np.int16(factor // 2) >> 10
        np.clip(total, 0, 255, out=total)
    dark = rng.choice((0, 0, rng.randrange(20, 90)))
    if dark:
        y = (np.arange(height, dtype=np.int32) * 256 // height - 128) ** 2
        x = (np.arange(width, dtype=np.int32) * 256 // width - 128) ** 2
        fall = (256 - (dark * (y[:, None] + x[None, :]) >> 15)).astype(np.uint16)
        total = total.astype(np.uint16) * fall[..., None] >> 8
    return total.astype(np.uint8)
