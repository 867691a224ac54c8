"""Number plates in scenes: readable, where the scene says they are, and with the text that it says."""

from __future__ import annotations

import random
import re

import numpy as np
from PIL import Image

from veilseg.data.scenes import Scene, generate_scene
from veilseg.data.scenes.plates import GLYPHS, LETTERS, paste_plate, plate_text


def template(text: str, width: int, height: int) -> np.ndarray:
    """The text in black on white, without a border, stretched to a box."""
    rows = [[int(b) for c in text for b in f"{int(GLYPHS[c][2 * y : 2 * y + 2], 16):05b}" + "0"] for y in range(7)]
    dots = 255 - 255 * np.array(rows, np.uint8)[:, :-1]
    return np.asarray(Image.fromarray(dots).resize((width, height), Image.Resampling.BOX), dtype=np.float64)


def likeness(scene: Scene, box: tuple[int, int, int, int], text: str) -> float:
    """Correlation between what is in the box and the text, at the best of a few shifts."""
    left, top, right, bottom = box
    grey = np.asarray(Image.fromarray(scene.image).convert("L"), dtype=np.float64)
    expected = template(text, right - left, bottom - top).ravel()
    found = []
    for dy in (-1, 0, 1):
        for dx in (-1, 0, 1):
            piece = grey[top + dy : bottom + dy, left + dx : right + dx].ravel()
            if piece.size == expected.size:
                found.append(float(np.corrcoef(piece, expected)[0, 1]))
    return max(found)


def test_plates_can_be_read() -> None:
    """Most scenes have a plate, with some contrast, whose announced text fits its pixels better than any other text."""
    rng = random.Random(1)
    scenes = [generate_scene(seed) for seed in range(700, 714)]
    assert sum(bool(scene.plates) for scene in scenes) >= 9
    wins, spread = [], []
    for scene in scenes:
        for text, box in scene.plates:
            left, top, right, bottom = box
            assert bottom - top >= 8
            assert right - left > 2.5 * (bottom - top)
            assert re.fullmatch(r"[A-Z]{2}\d\d [A-Z]{3}", text)
            assert (scene.label[top:bottom, left:right] == 8).all()
            grey = scene.image[top:bottom, left:right].astype(float).mean(axis=2)
            spread.append(np.percentile(grey, 90) - np.percentile(grey, 10))
            wins.append(likeness(scene, box, text) > max(likeness(scene, box, plate_text(rng)) for _ in range(10)))
    assert np.mean(wins) > 0.9
    assert np.median(spread) > 45
    assert min(spread) > 12


def test_every_character_has_a_glyph_of_its_own() -> None:
    characters = LETTERS + "0123456789 "
    assert set(characters) <= set(GLYPHS)
    assert len({GLYPHS[c] for c in GLYPHS}) == len(GLYPHS)


def test_a_plate_is_drawn_inside_its_corners() -> None:
    image = Image.new("RGB", (200, 100))
    corners = [(20.0, 30.0), (171.0, 40.0), (171.0, 70.0), (20.0, 60.0)]
    left, top, right, bottom = paste_plate(image, "AB12 CDE", corners, (255, 255, 255), (0, 0, 0))
    pixels = np.asarray(image)[..., 0]
    assert pixels[45, 24] == 255
    assert not pixels[:26].any()
    assert not pixels[74:].any()
    assert 20 < left < right < 171
    assert 30 < top < bottom < 70
