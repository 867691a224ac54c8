"""Fill the tables of docs/model-encryption.md on what each kind of encryption matrix costs and withstands.

Usage: python tools/matrices_page.py

Writes results/matrices.json too. Costs for blocks of 16 pixels on the shipped plain model. Attacks, which take any
matrix, on blocks of 8 pixels of the same scenes, as a mean SSIM of what they show. Minutes of two cores.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from results_page import put
from torch import nn

from veilseg.audit.attacks.blocks import block_grid
from veilseg.audit.attacks.matrix_matching import match_matrix, solve_matrix
from veilseg.audit.picture import as_pixels
from veilseg.audit.samples import open_references
from veilseg.audit.scoring import compare
from veilseg.ciphers import cipher
from veilseg.ciphers.grid import join_blocks
from veilseg.ciphers.patch.matrix import EncryptionMatrix
from veilseg.ciphers.plain import pad
from veilseg.data.scenes.scene import generate_scene
from veilseg.evaluation.provenance import provenance
from veilseg.evaluation.report import write_json
from veilseg.keys import Key
from veilseg.models import encrypt_model, encrypt_with_matrix, load_model

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "model-encryption.md"
FIGURES = ROOT / "results" / "matrices.json"
BLOCK, ATTACKED, SCENES = 16, 8, 4
KEY = Key(bytes(range(32)))
DRAWN = "continuous, from a key of 256"
#: By the cipher's name: bits of choice, bytes a value.
SHIPPED = {"patch-permutation": ("6,260, from a key of 256", 1), "patch-rotation": (DRAWN, 2)}

#: By the column's name; SSIM, which all others are, has two places.
FORMATS = {
    "bits of choice": "{}",
    "bytes a value": "{}",
    "condition": "{:.4g}",
    "worst pixel restored, off by (of 255)": "{}",
    "logits off, in spreads": "{:.0e}",
    "same pixels": "{:.2%}",
    "ms an image": "{:.0f}",
}

Change = Callable[[np.ndarray], np.ndarray]
Row = dict[str, str | float]


class Kind(NamedTuple):
    """A matrix with the network that it encrypts, and both ways of an image [H, W, 3]."""

    bits: str
    bytes: int
    condition: float
    network: nn.Module
    encrypt: Change
    decrypt: Change


def main() -> None:
    """Measure all, write the figures and both tables."""
    content: dict[str, Any] = {**provenance("python tools/matrices_page.py", 0), "scenes": SCENES}
    content |= {"withstands": withstand(), "costs": costs()}
    write_json(FIGURES, content)
    PAGE.write_text(fill(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


def fill(text: str) -> str:
    """The page with both tables from the figures."""
    content = json.loads(FIGURES.read_text(encoding="utf-8"))
    for name in ("costs", "withstands"):
        text = put(text, f"matrices {name}", table(content[name]))
    return text


def table(rows: dict[str, Row]) -> list[str]:
    """Markdown of rows with the same columns."""
    columns = list(next(iter(rows.values())))
    lines = [f"| matrix | {' | '.join(columns)} |", "|---" * (len(columns) + 1) + "|"]
    for name, row in rows.items():
        cells = [FORMATS.get(title, "{:.2f}").format(value) for title, value in row.items()]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


def scenes() -> list[np.ndarray]:
    """Those that everything here is measured on, 480 x 320."""
    return [generate_scene(index, (320, 480)).image for index in range(SCENES)]


def batch(image: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.asarray(image, np.float32)).permute(2, 0, 1)[None]


def kinds(plain: Any) -> dict[str, Kind]:
    """The matrices by name, for blocks of 16 pixels."""
    found = {}
    for name, (bits, size) in SHIPPED.items():
        made = cipher(name, BLOCK)
        condition = float(np.linalg.cond(made.affine(KEY).matrix))
        ways = (
            lambda pixels, made=made: made.encrypt_pixels(pixels, KEY, None),
            lambda stored, made=made: made.decrypt_pixels(stored, KEY, None),
        )
        found[name] = Kind(bits, size, condition, encrypt_model(plain, KEY, name).network, *ways)
    drawn = EncryptionMatrix.drawn(KEY, BLOCK)
    network = encrypt_with_matrix(plain.network, drawn)
    found["Gaussian, float32"] = Kind(DRAWN, 4, drawn.condition, network, drawn.encrypt, drawn.decrypt)
    found["Gaussian, 16 bits (`bits=16`, `matrix.store`)"] = Kind(
        DRAWN,
        2,
        drawn.condition,
        encrypt_with_matrix(plain.network, drawn, bits=16),
        lambda pixels: drawn.store(drawn.encrypt(pixels)),
        lambda stored: drawn.decrypt(drawn.load(stored)),
    )
    return found


@torch.no_grad()
def costs() -> dict[str, Row]:
    """Each kind's row; the worst of the scenes, milliseconds their median."""
    plain = load_model("plain")
    plain.fold_normalization()
    plain.widen_patch(BLOCK)
    rows: dict[str, Row] = {}
    for name, kind in kinds(plain).items():
        kind.encrypt(scenes()[0])  # the first use is not timed
        errors, offs, same, spent = [], [], [], []
        for photo in scenes():
            began = time.perf_counter()
            stored = kind.encrypt(photo)
            spent.append(time.perf_counter() - began)
            errors.append(int(np.abs(kind.decrypt(stored).astype(int) - photo).max()))
            wanted, got = plain.network(batch(photo)), kind.network(batch(stored))
            offs.append(float((got - wanted).abs().mean() / wanted.std()))
            same.append(float((got.argmax(1) == wanted.argmax(1)).float().mean()))
        rows[name] = {
            "bits of choice": kind.bits,
            "bytes a value": kind.bytes,
            "condition": kind.condition,
            "worst pixel restored, off by (of 255)": max(errors),
            "logits off, in spreads": max(offs),
            "same pixels": min(same),
            "ms an image": 1000 * float(np.median(spent)),
        }
        print(name, *rows[name].values(), sep=" | ", flush=True)
    return rows


def withstand() -> dict[str, Row]:
    """By pairs of two public photographs; by the encrypted scenes alone with public moments, or the scenes' own."""
    photos, references = scenes(), open_references(None)
    permutation, rotation = (cipher(name, ATTACKED) for name in SHIPPED)
    attacked: dict[str, Change] = {
        "patch-permutation": lambda pixels: permutation.encrypt_pixels(pixels, KEY, None) - 127.5,
        "patch-rotation": lambda pixels: rotation.encrypt_pixels(pixels, KEY, None) - 32768.0,
        "Gaussian, float32": EncryptionMatrix.drawn(KEY, ATTACKED).encrypt,
    }
    rows: dict[str, Row] = {}
    for name, encrypt in attacked.items():
        known = [pad(image, ATTACKED) for image in references[:2]]
        grids = [block_grid(encrypt(photo).astype(np.float64), ATTACKED) for photo in photos]
        guesses = {
            "by pairs of two photographs": solve_matrix(
                [(image, encrypt(image).astype(np.float64)) for image in known], ATTACKED
            ),
            "encrypted images alone, moments of public photographs": match_matrix(grids, references, ATTACKED),
            "alone, their own moments": match_matrix(grids, photos, ATTACKED),
        }
        shown = {
            title: [opened(grid @ guess, photos[0].shape) for grid in grids] for title, guess in guesses.items()
        } | {"plain grey": [np.full_like(photo, 127) for photo in photos]}
        rows[name] = {
            title: float(np.mean([compare(a, b).ssim for a, b in zip(pictures, photos, strict=True)]))
            for title, pictures in shown.items()
        }
        print(name, *rows[name].values(), sep=" | ", flush=True)
    return rows


def opened(values: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Values of blocks around 0, [rows, columns, L], as a picture."""
    return as_pixels(join_blocks(values.reshape(-1, values.shape[2]) + 127.5, shape, ATTACKED))


if __name__ == "__main__":
    main()
