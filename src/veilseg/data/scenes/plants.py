"""Trees, bushes and hedges: pictures of crowns made once, then stretched, tinted and pasted wherever one stands."""

from __future__ import annotations

import math
import random
from functools import cache

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from veilseg.data.scenes.camera import Camera, Pixel
from veilseg.data.scenes.canvas import TREE, Canvas
from veilseg.data.scenes.light import Colour, Light, vary
from veilseg.data.scenes.textures import patch, tile

SIDE = 256
VARIANTS = 10

LEAVES: tuple[Colour, ...] = ((86, 104, 52), (72, 92, 48), (104, 112, 66), (62, 78, 46), (112, 104, 62), (128, 112, 70))
BARK: tuple[Colour, ...] = ((70, 62, 54), (84, 76, 66), (58, 52, 48))

Crown = tuple[Image.Image, Image.Image, Image.Image]
"""Opacity, opacity times brightness, and label mask of a crown, each [SIDE, SIDE] in mode L."""


@cache
def leafy(variant: int) -> Crown:
    """A crown in leaf: a disc whose border and light are ragged by noise."""
    rng = random.Random(f"veilseg scenes leafy {variant}")
    grid = np.linspace(-1.0, 1.0, SIDE, dtype=np.float32)
    power = 2 if variant < VARIANTS - 3 else 4
    disc = 1.05 - np.abs(grid[:, None]) ** power - np.abs(grid[None, :]) ** power
    lumps = patch(rng, tile("cloud"), SIDE, SIDE).astype(np.float32) / 128
    clumps = patch(rng, tile("rough"), SIDE, SIDE).astype(np.float32) / 128
    fine = patch(rng, tile("grain"), SIDE, SIDE).astype(np.float32) / 128
    body = disc + 0.5 * lumps
    alpha = np.clip((body + 0.55 * clumps + 0.5 * fine - 0.22) * 6, 0, 1)
    light = 0.62 + 0.3 * clumps + 0.3 * fine - 0.18 * grid[:, None] + 0.15 * lumps
    return _as_images(light, alpha, body + 0.3 * clumps > 0.12)


@cache
def bare(variant: int) -> Crown:
    """A crown in winter: branches that fork; CamVid labels the whole of it as tree, gaps and all."""
    rng = random.Random(f"veilseg scenes bare {variant}")
    alpha = Image.new("L", (SIDE, SIDE), 0)
    solid = Image.new("L", (SIDE, SIDE), 0)
    strokes, mass = ImageDraw.Draw(alpha), ImageDraw.Draw(solid)

    def grow(x: float, y: float, angle: float, length: float, width: float, level: int) -> None:
        x1, y1 = x + length * math.sin(angle), y - length * math.cos(angle)
        strokes.line([(x, y), (x1, y1)], fill=255 if width > 1.2 else 185, width=max(1, round(width)))
        if level >= 2:
            r = length * 0.95
            mass.ellipse((x1 - r, y1 - r, x1 + r, y1 + r), fill=255)
        if level == 6:
            return
        for turn in (-1, 1) if level > 3 or rng.random() < 0.3 else (-1, 0, 1):
            bend = turn * rng.uniform(0.25, 0.7) + rng.gauss(0, 0.1)
            shrink = rng.uniform(0.62, 0.84) if turn else rng.uniform(0.8, 0.95)
            grow(x1, y1, (angle + bend) * 0.94, length * shrink, width * (0.62 if turn else 0.75), level + 1)

    grow(SIDE / 2, SIDE - 1, 0.0, SIDE * 0.2, 8, 0)
    light = np.full((SIDE, SIDE), 0.6, np.float32)
    return _as_images(light, np.asarray(alpha, dtype=np.float32) / 255, np.asarray(solid) > 0)


def _as_images(light: np.ndarray, alpha: np.ndarray, solid: np.ndarray) -> Crown:
    mask = Image.fromarray((solid * 255).astype(np.uint8)).filter(ImageFilter.MedianFilter(5))
    planes = (np.clip(plane, 0, 1) * 255 for plane in (alpha, alpha * np.clip(light, 0, 1)))
    dark, bright = (Image.fromarray(plane.astype(np.uint8)) for plane in planes)
    return dark, bright, mask


@cache
def _small(kind: str, variant: int, mirror: bool, side: int) -> Crown:
    """A crown at a smaller size: stretching starts from a picture that is not much larger than the result."""
    crown = (leafy if kind == "leafy" else bare)(variant)
    if mirror:
        crown = tuple(plane.transpose(Image.Transpose.FLIP_LEFT_RIGHT) for plane in crown)  # type: ignore[assignment]
    if side == SIDE:
        return crown
    dark, bright, solid = (plane.reduce(SIDE // side) for plane in crown)
    # A mask of labels has no shades: half a tree is not another class.
    return dark, bright, solid.point([0] * 128 + [255] * 128)


class PlantPainter:
    """Paints trees, bushes and hedges."""

    def __init__(self, canvas: Canvas, rng: random.Random, camera: Camera, light: Light) -> None:
        self.canvas, self.rng, self.camera, self.light = canvas, rng, camera, light
        # A street is in one season: mostly bare in winter, or in leaf.
        self.winter = rng.choice((0.0, 0.15, 0.5, 0.9))
        self.leaves = rng.choice(LEAVES)

    def crown(self, kind: str, variant: int, box: tuple[float, float, float, float], colour: Colour) -> None:
        """Pastes a crown, tinted with `colour`, into (left, top, right, bottom) of the canvas."""
        width, height = int(box[2] - box[0]), int(box[3] - box[1])
        if (
            width < 2
            or height < 2
            or box[2] < 0
            or box[0] >= self.canvas.width
            or box[3] < 0
            or box[1] >= self.canvas.height
        ):
            return
        # Only the part that can be seen is stretched: near crowns are larger than the canvas.
        left, top = int(box[0]), int(box[1])
        x0, y0 = max(0, -left), max(0, -top)
        x1, y1 = min(width, self.canvas.width - left), min(height, self.canvas.height - top)
        if x1 <= x0 or y1 <= y0:
            return
        side = next((s for s in (16, 32, 64, 128) if s >= max(width, height)), SIDE)
        dark, bright, solid = _small(kind, variant, self.rng.random() < 0.5, side)
        part = (x0 / width * side, y0 / height * side, x1 / width * side, y1 / height * side)
        size = (x1 - x0, y1 - y0)
        # The canvas is averaged down later, so smoothing pays only where a crown is magnified.
        smooth = Image.Resampling.BILINEAR if max(width, height) > 1.5 * SIDE else Image.Resampling.NEAREST
        dark, bright = dark.resize(size, smooth, part), bright.resize(size, smooth, part)
        solid = solid.resize(size, Image.Resampling.NEAREST, part)
        lit = min(255, colour[0] * 5 // 3), min(255, colour[1] * 5 // 3), min(255, colour[2] * 5 // 3)
        shaded = colour[0] // 6, colour[1] // 6, colour[2] // 6
        self.canvas.stencil(((shaded, dark), (lit, bright)), solid, (left + x0, top + y0), TREE)

    def tree(self, x: float, z: float, height: float) -> None:
        """A tree at a place on the ground: a trunk and one to three overlapping crowns."""
        rng, depth = self.rng, self.camera.depth(x, z)
        foot = self.camera.pixel((x, 0.0, z))
        if foot is None or depth < 3:
            return
        scale = self.camera.scale(depth)
        px, py = foot
        bark = self.light.shade(vary(rng, rng.choice(BARK)), depth)
        if rng.random() < self.winter:
            spread = height * rng.uniform(0.65, 1.0)
            box = (px - spread / 2 * scale, py - height * scale, px + spread / 2 * scale, py - 0.18 * height * scale)
            self._trunk(px, py, 0.3 * height, 0.022 * height, scale, bark)
            self.crown("bare", rng.randrange(VARIANTS), box, bark)
            if height * scale > 60:
                self.crown("bare", rng.randrange(VARIANTS), box, bark)
            return
        slim = rng.random() < 0.2
        spread = height * (rng.uniform(0.3, 0.45) if slim else rng.uniform(0.6, 1.0))
        low = height * (0.05 if slim else rng.uniform(0.15, 0.35))
        self._trunk(px, py, low + 0.3 * (height - low), 0.025 * height, scale, bark)
        leaf = vary(rng, self.leaves if rng.random() < 0.6 else rng.choice(LEAVES), 8)
        for _ in range(1 if height * scale < 40 else rng.randint(1, 3)):
            dx, dy = rng.gauss(0, 0.08) * spread, rng.uniform(0, 0.15) * (height - low)
            r = spread / 2 * rng.uniform(0.8, 1.0)
            box = (
                px + (dx - r) * scale,
                py - (height - dy) * scale,
                px + (dx + r) * scale,
                py - (low - dy * 0.3) * scale,
            )
            tone = self.light.shade(vary(rng, leaf, 7), depth, 0.95)
            self.crown("leafy", rng.randrange(VARIANTS - 3), box, tone)

    def bush(self, x: float, z: float, width: float, height: float) -> None:
        """A low, leafy mass; a row of them is a hedge."""
        rng, depth = self.rng, self.camera.depth(x, z)
        foot = self.camera.pixel((x, 0.0, z))
        if foot is None or depth < 2.2:
            return
        scale = self.camera.scale(depth)
        box = (
            foot[0] - width / 2 * scale,
            foot[1] - height * 1.08 * scale,
            foot[0] + width / 2 * scale,
            foot[1] + 0.1 * height * scale,
        )
        tone = self.light.shade(vary(rng, self.leaves, 9), depth, 0.85)
        self.crown("leafy", rng.randrange(VARIANTS - 3, VARIANTS), box, tone)

    def _trunk(self, x: float, y: float, height: float, width: float, scale: float, colour: Colour) -> None:
        w = max(0.6, width * scale)
        lean = self.rng.gauss(0, 0.04) * height * scale
        points: list[Pixel] = [
            (x - w, y),
            (x - w * 0.6 + lean, y - height * scale),
            (x + w * 0.6 + lean, y - height * scale),
            (x + w, y),
        ]
        self.canvas.polygon(points, colour, TREE)
