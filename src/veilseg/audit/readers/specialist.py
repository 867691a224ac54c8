"""A reader of one thing: the plates of generated scenes behind one cipher. What is known for certain is read best."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
from PIL import Image

from veilseg.audit.base import Pixels
from veilseg.audit.lines import Line, plate_in_box
from veilseg.audit.readers.features import cells, describe
from veilseg.audit.readers.measure import Progress, read_scenes
from veilseg.audit.readers.reader import Reader
from veilseg.audit.readers.training import Store, TrainingSettings, cut, train
from veilseg.ciphers import cipher
from veilseg.data.scenes.canvas import CAR, SCALE
from veilseg.data.scenes.light import Light, vary
from veilseg.data.scenes.photography import photograph
from veilseg.data.scenes.plates import LEGIBLE, SIZE, paste_plate, plate_text

CIPHER = "subblock-sort"
SHEET = (360, 480)
PLACES = (6, 3)
"""Plates down and across a sheet."""
WIDTHS = (44.0, 84.0)
"""Of a plate, in pixels."""


def specialise(side: int, *, rounds: int, scenes: int, seed: int, progress: Progress) -> dict[str, Any]:
    """Train on sheets of plates, and read those of generated scenes: rates of all, and by letter height."""
    settings = TrainingSettings(
        (), rounds=rounds, lines=3, sides=(side,), seed=seed, progress=lambda number, loss, network: None
    )
    weights = {name: value.numpy() for name, value in train(settings, add_sheet).state_dict().items()}
    found: dict[str, Any] = read_scenes(Reader(weights), scenes, seed, progress, [(side, CIPHER)])[str(side)][CIPHER]
    return found


def add_sheet(rng: np.random.Generator, store: Store, settings: TrainingSettings) -> None:
    """One sheet's plates, at some places of the grid."""
    picture, lines = draw_sheet(random.Random(int(rng.integers(2**31))))
    (side,) = settings.sides
    made = cipher(CIPHER, side, side)
    for _ in range(settings.places):
        moved, left, top = cut(picture, side, rng)
        grid = cells(made, made.encrypt_pixels(moved, None, None))
        for line in lines:
            store.add(describe(grid, line.place.moved(-left, -top), side), line.text)


def draw_sheet(rng: random.Random) -> tuple[Pixels, list[Line]]:
    """Plates of the scenes on cars' colours, as their photographs show them: uint8 [360, 480, 3], and what they say."""
    height, width = SHEET
    light = Light(rng)
    image = Image.new("RGB", (width * SCALE, height * SCALE), (90, 90, 90))
    lines = []
    for place in range(PLACES[0] * PLACES[1]):
        row, column = divmod(place, PLACES[1])
        down, across = height * SCALE // PLACES[0], width * SCALE // PLACES[1]
        body = light.shade(vary(rng, rng.choice(((30, 40, 90), (20, 20, 22), (120, 20, 20), (150, 150, 155))), 25), 6)
        image.paste(body, (column * across, row * down, (column + 1) * across, (row + 1) * down))
        wide = rng.uniform(*WIDTHS) * SCALE
        high = wide * SIZE[1] / SIZE[0] * rng.uniform(1, 1.3)
        middle = ((column + rng.uniform(0.47, 0.53)) * across, (row + rng.uniform(0.4, 0.6)) * down)
        rise, growth = rng.gauss(0, 0.04) * wide, rng.uniform(0.9, 1.1)
        corners = [
            (middle[0] + x * wide / 2, middle[1] + x * rise / 2 + y * high / 2 * (growth if x > 0 else 1))
            for x, y in ((-1, -1), (1, -1), (1, 1), (-1, 1))
        ]
        paper = rng.choice(((226, 226, 222), (226, 186, 56), (226, 186, 56), (226, 186, 56)))
        glow = min(1.3, max(1.0, 0.62 / light.gain))
        text = plate_text(rng)
        box = paste_plate(image, text, corners, light.shade(paper, 6, glow), light.shade((18, 18, 20), 6))
        left, top, right, bottom = (round(value / SCALE) for value in box)
        line = plate_in_box(text, (left, top, right, bottom))
        if line is not None and bottom - top >= LEGIBLE:
            lines.append(line)
    small = np.asarray(image.reduce(SCALE))
    return photograph(small, np.full(SHEET, CAR, np.uint8), rng, light), lines
