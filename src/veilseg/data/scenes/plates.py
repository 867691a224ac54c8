"""Number plates: random texts in the British manner, drawn with a font of 5x7 dots so that no font file matters."""

from __future__ import annotations

import random
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from PIL import Image

from veilseg.data.scenes.camera import Pixel
from veilseg.data.scenes.light import Colour

GLYPHS = {
    "A": "0E11111F111111", "B": "1E11111E11111E", "C": "0E11101010110E", "D": "1E11111111111E", "E": "1F10101E10101F",
    "F": "1F10101E101010", "G": "0E11101711110F", "H": "1111111F111111", "J": "0702020202120C", "K": "11121418141211",
    "L": "1010101010101F", "M": "111B1515111111", "N": "11191513111111", "O": "0E11111111110E", "P": "1E11111E101010",
    "R": "1E11111E141211", "S": "0F10100E01011E", "T": "1F040404040404", "U": "1111111111110E", "V": "11111111110A04",
    "W": "1111111515150A", "X": "11110A040A1111", "Y": "1111110A040404", "0": "0E11131519110E", "1": "040C040404040E",
    "2": "0E11010204081F", "3": "1F02040201110E", "4": "02060A121F0202", "5": "1F101E0101110E", "6": "0608101E11110E",
    "7": "1F010204080808", "8": "0E11110E11110E", "9": "0E11110F01020C", " ": "00000000000000",
}  # fmt: skip
"""Seven rows of five bits each, as two hexadecimal digits per row."""

LETTERS = "ABCDEFGHJKLMNOPRSTUVWXY"
SIZE = (0.74, 0.17)
"""Metres. A real plate is 0.52 by 0.111: larger ones stay readable at the small sizes that networks train on."""

LEGIBLE = 8
"""Pixels that the text of a plate must be tall to count as readable: one for every row of dots and a little more."""

CELLS = (51, 9)
"""Dots across and down: eight characters of five dots, gaps of one, and a border."""

TEXT_HEIGHT = SIZE[1] * 7 / CELLS[1]
"""Metres from the foot to the top of the characters."""


def plate_text(rng: random.Random) -> str:
    """Two letters, two digits, a space, three letters."""
    letters = [rng.choice(LETTERS) for _ in range(5)]
    return f"{letters[0]}{letters[1]}{rng.randrange(10)}{rng.randrange(10)} {''.join(letters[2:])}"


def _dots(text: str) -> np.ndarray:
    """The ink of a text: bool [9, 51] with a border all round."""
    ink = np.zeros((CELLS[1], CELLS[0]), dtype=bool)
    left = (CELLS[0] - 6 * len(text) + 1) // 2
    for index, character in enumerate(text):
        rows = bytes.fromhex(GLYPHS[character])
        for y, row in enumerate(rows):
            for x in range(5):
                ink[1 + y, left + 6 * index + x] |= bool(row >> (4 - x) & 1)
    return ink


@lru_cache(maxsize=64)
def _picture(text: str, paper: Colour, ink: Colour, zoom: int) -> Image.Image:
    dots = _dots(text)
    pixels = np.where(dots[..., None], np.array(ink, np.uint8), np.array(paper, np.uint8))
    return Image.fromarray(np.ascontiguousarray(pixels.repeat(zoom, 0).repeat(zoom, 1)))


def paste_plate(
    image: Image.Image, text: str, corners: Sequence[Pixel], paper: Colour, ink: Colour
) -> tuple[float, float, float, float]:
    """Draws the plate into the quadrilateral (top left, top right, bottom right, bottom left).

    Returns the box of its text in pixels of the image: (left, top, right, bottom).
    """
    xs, ys = [c[0] for c in corners], [c[1] for c in corners]
    left, top = int(min(xs)), int(min(ys))
    width, height = int(max(xs)) + 2 - left, int(max(ys)) + 2 - top
    # One dot of the picture is about one pixel wide on the canvas, or it would be sampled too sparsely.
    zoom = max(1, min(8, round((max(xs) - min(xs)) / CELLS[0])))
    picture = _picture(text, paper, ink, zoom)
    local = [(x - left, y - top) for x, y in corners]
    whole = (0, 0), (picture.width, 0), (picture.width, picture.height), (0, picture.height)
    warp = _homography(local, whole)
    drawn = picture.transform((width, height), Image.Transform.PERSPECTIVE, warp, Image.Resampling.BILINEAR)
    mask = Image.new("L", picture.size, 255).transform((width, height), Image.Transform.PERSPECTIVE, warp)
    image.paste(drawn, (left, top), mask)
    fraction = (6 * len(text) - 1) / CELLS[0] / 2
    centre_x, centre_y = sum(xs) / 4, sum(ys) / 4
    half_x, half_y = (max(xs) - min(xs)) * fraction, (max(ys) - min(ys)) * 3.5 / CELLS[1]
    return centre_x - half_x, centre_y - half_y, centre_x + half_x, centre_y + half_y


def _homography(source: Sequence[Pixel], target: Sequence[Pixel]) -> list[float]:
    """The eight numbers with which Pillow looks up, for a point of `source`, the one of `target`."""
    rows, values = [], []
    for (x, y), (u, v) in zip(source, target, strict=True):
        rows.append([x, y, 1, 0, 0, 0, -u * x, -u * y])
        rows.append([0, 0, 0, x, y, 1, -v * x, -v * y])
        values += [u, v]
    return [float(value) for value in np.linalg.solve(np.array(rows, np.float64), np.array(values, np.float64))]
