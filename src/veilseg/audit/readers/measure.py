"""The figures of the trained reader: by letter height in cells, and for cameras at some distances."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise, product
from typing import Any

import numpy as np

from veilseg.audit.base import Pixels
from veilseg.audit.lines import Line, plate_in_box
from veilseg.audit.readers.fonts import LEARNED, UNSEEN, find_fonts
from veilseg.audit.readers.rates import HEIGHTS, LineReading, by_height, rates, score_line
from veilseg.audit.readers.reader import HIGHEST, Reader
from veilseg.audit.readers.scenarios import CAMERAS, DISTANCES
from veilseg.audit.readers.texts import PLATES
from veilseg.audit.readers.training import CIPHERS, LARGEST_LETTER, shift
from veilseg.audit.readers.writing import draw_line
from veilseg.catalog import DEFAULT_LONGER_SIDE
from veilseg.ciphers import Cipher, cipher
from veilseg.data.scenes.dataset import SceneData
from veilseg.scale import ORIGINAL

SIDES = (4, 8, 12, 16)
WHOLE = math.lcm(*SIDES)
"""Pixels: what every side divides."""
WAYS = tuple(product(SIDES, CIPHERS))
Progress = Callable[[str], None]


def measure(reader: Reader, *, plates: int, scenes: int, seed: int, progress: Progress) -> dict[str, Any]:
    """All tables: `plates` a part of the heights, cipher and set of fonts; `scenes` generated pictures."""
    return {
        "plates_a_part": plates,
        "by_height": {
            name: _by_height(reader, find_fonts(fonts), plates, [seed, number], progress)
            for number, (name, fonts) in enumerate({"learned": LEARNED, "unseen": UNSEEN}.items())
        },
        "cameras": _cameras(reader, plates, seed, progress),
        "scenes": read_scenes(reader, scenes, seed, progress),
    }


def _by_height(
    reader: Reader, fonts: tuple[str, ...], plates: int, seed: list[int], progress: Progress
) -> dict[str, Any]:
    """{s: {cipher: {part: rates}}}, every country's plates seen as they were when the reader learned."""
    found: dict[str, Any] = {}
    for side in SIDES:
        rng = np.random.default_rng([*seed, side])
        read: dict[str, list[LineReading]] = {}
        for low, high in pairwise((*HEIGHTS, HIGHEST)):
            for _ in range(plates):
                height = min(float(side * low * (high / low) ** rng.random()), LARGEST_LETTER)
                picture, line = draw_line(
                    rng, str(rng.choice(fonts)), height, side, country=str(rng.choice(list(PLATES)))
                )
                moved, place = shift(picture, line.place, side, rng)
                for name in CIPHERS:
                    one = read_plate(reader, cipher(name, side, side), moved, replace(line, place=place))
                    read.setdefault(name, []).append(one)
        progress(f"s = {side}")
        found[str(side)] = {name: by_height(lines) for name, lines in read.items()}
    return found


def _cameras(reader: Reader, plates: int, seed: int, progress: Progress) -> list[dict[str, Any]]:
    """British plates of the learned fonts, as high as each camera shows them, at every s the same pictures."""
    fonts = find_fonts(LEARNED)
    rows = []
    for number, (camera, metres, longer_side) in enumerate(
        product(CAMERAS, DISTANCES, (DEFAULT_LONGER_SIDE, ORIGINAL))
    ):
        height = camera.letter(metres, longer_side)
        rng = np.random.default_rng([seed, number])
        read: dict[int, dict[str, list[LineReading]]] = {side: {} for side in SIDES}
        for _ in range(plates):
            font = str(rng.choice(fonts))
            picture, line = draw_line(rng, font, min(height, LARGEST_LETTER), WHOLE, country="British")
            moved, place = shift(picture, line.place, WHOLE, rng)
            for side, name in product(SIDES, CIPHERS):
                one = read_plate(reader, cipher(name, side, side), moved, replace(line, place=place))
                read[side].setdefault(name, []).append(one)
        rows.append(
            {
                "camera": camera.name,
                "metres": metres,
                "longer_side": longer_side,
                "pixels": round(height, 2),
                "cells": {str(side): round(height / side, 3) for side in SIDES},
                "read": {
                    str(side): {name: rates(lines) for name, lines in by_cipher.items()}
                    for side, by_cipher in read.items()
                },
            }
        )
        progress(f"{camera.name}, {metres} m")
    return rows


def read_plate(reader: Reader, made: Cipher, picture: Pixels, line: Line) -> LineReading:
    """One line in a picture whose sides are multiples of the block, encrypted and read."""
    (scores,) = reader.read(made, made.encrypt_pixels(picture, None, None), [line.place])
    return score_line(scores, line, made.spec.cell)


def read_scenes(
    reader: Reader, count: int, seed: int, progress: Progress, ways: Sequence[tuple[int, str]] = WAYS
) -> dict[str, Any]:
    """The plates of generated scenes, 480 x 360, whose boxes are given: {s: {cipher: {"all": rates, part: rates}}}."""
    data = SceneData(count, 700_000 + seed)
    read: dict[tuple[int, str], list[LineReading]] = {}
    for index in range(count):
        scene = data[index]
        lines = [line for text, box in scene.plates if (line := plate_in_box(text, box))]
        for side, name in ways:
            made = cipher(name, None, side)
            scores = reader.read(made, made.encrypt(scene.image).pixels, [line.place for line in lines])
            found = [score_line(one, line, side) for one, line in zip(scores, lines, strict=True)]
            read.setdefault((side, name), []).extend(found)
        if index % 50 == 49:
            progress(f"{index + 1} scenes")
    tables: dict[str, Any] = {}
    for (side, name), lines_read in read.items():
        tables.setdefault(str(side), {})[name] = {"all": rates(lines_read), **by_height(lines_read)}
    return tables
