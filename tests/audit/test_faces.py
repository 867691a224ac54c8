"""faces: people are named behind the cipher while their heads have some cells, and not where they have none."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from veilseg import cipher
from veilseg.audit.attacks.faces import INPUTS, Names, describe
from veilseg.audit.readers.features import cells

PEOPLE, EACH = 6, 10


def heads(cells_high: float, side: int, seed: int, name: str = "subblock-sort") -> np.ndarray:
    """What is known of EACH heads of every person: a pattern of its own, in light, noise and at places of its own."""
    patterns = np.random.default_rng(5).uniform(0, 255, (PEOPLE, 6, 5)).astype(np.uint8)
    rng, chosen, found = np.random.default_rng(seed), cipher(name, 2 * side, side), []
    high = max(2, round(cells_high * side))
    wide = max(2, round(0.8 * high))
    extent = 2 * side * (-(-high // (2 * side)) + 2)
    for pattern in np.repeat(patterns, EACH, axis=0):
        picture = np.full((extent, extent), rng.uniform(40, 200))
        left, top = (int(value) for value in rng.integers(side, 2 * side, 2))
        picture[top : top + high, left : left + wide] = Image.fromarray(pattern).resize((wide, high))
        lit = np.clip(rng.uniform(0.8, 1.2) * picture + rng.normal(0, 3, picture.shape), 0, 255).astype(np.uint8)
        stored = chosen.encrypt_pixels(np.repeat(lit[..., None], 3, axis=2), None, None)
        found.append(describe(cells(chosen, stored), (left, top, left + wide, top + high), side))
    return np.array(found)


def named(cells_high: float, side: int) -> float:
    """The share of heads that is named, by who has learned from others of the same people."""
    people = np.repeat(np.arange(PEOPLE), EACH)
    names = Names(np.concatenate([heads(cells_high, side, seed) for seed in range(3)]), np.tile(people, 3), 0)
    return float((names.scores(heads(cells_high, side, 9)).argmax(axis=1) == people).mean())


@pytest.mark.parametrize("side", [4, 12])
def test_heads_of_four_cells_are_named(side: int) -> None:
    assert named(4, side) > 0.9  # chance: a sixth


def test_heads_of_a_fraction_of_a_cell_are_not() -> None:
    assert named(0.25, 16) < 0.5


def test_light_does_not_matter_and_every_number_is_in_range() -> None:
    found = heads(3, 8, 1)
    assert found.shape == (PEOPLE * EACH, INPUTS)
    assert np.isfinite(found).all()
    assert np.abs(found).max() < 12
