"""reidentify: an object is found again by what its cells leave, other keys or not; its twin cannot be told from it."""

from __future__ import annotations

import numpy as np

from veilseg import cipher
from veilseg.audit.attacks.reidentify import describe, likeliest
from veilseg.audit.readers.features import cells

SIDE = 12


def street(seed: int, colours: np.ndarray, name: str = "subblock-shuffle") -> np.ndarray:
    """What is known of objects of two colours each, [n, 2, 3], side by side at places of the frame's own: [n, D]."""
    rng, chosen = np.random.default_rng(seed), cipher(name, 24, SIDE)
    wide = 96
    picture = rng.normal(110, 12, (120, wide * len(colours), 3))  # blocks of 24 divide it
    masks = []
    for index, (roof, body) in enumerate(colours):
        left, top = index * wide + int(rng.integers(4, 30)), int(rng.integers(4, 40))
        picture[top : top + 30, left : left + 60] = roof + rng.normal(0, 8, (30, 60, 3))
        picture[top + 30 : top + 70, left : left + 60] = body + rng.normal(0, 8, (40, 60, 3))
        mask = np.zeros(picture.shape[:2], bool)
        mask[top : top + 70, left : left + 60] = True
        masks.append(mask)
    stored = np.asarray(chosen.encrypt(np.clip(picture, 0, 255).astype(np.uint8), longer_side=0))
    grid = cells(chosen, stored)
    return np.array([describe(grid, mask, SIDE) for mask in masks])


def found(first: np.ndarray, second: np.ndarray) -> list[int]:
    return [likeliest(one, second, second.std(axis=0)) for one in first]


def test_objects_are_found_again_under_other_keys() -> None:
    colours = np.random.default_rng(1).uniform(20, 235, (8, 2, 3))
    assert sum(a == b for a, b in enumerate(found(street(1, colours), street(2, colours)))) >= 7


def test_twins_are_told_apart_no_better_than_by_chance() -> None:
    colours = np.tile(np.random.default_rng(1).uniform(20, 235, (1, 2, 3)), (8, 1, 1))
    right = [a == b for seed in range(4) for a, b in enumerate(found(street(seed, colours), street(9 + seed, colours)))]
    assert np.mean(right) < 0.4  # chance: an eighth


def test_what_covers_less_than_half_a_cell_is_described_too() -> None:
    grid = np.random.default_rng(0).uniform(0, 255, (4, 4, 19)).astype(np.float32)
    mask = np.zeros((48, 48), bool)
    mask[13:16, 13:16] = True
    assert np.isfinite(describe(grid, mask, SIDE)).all()
