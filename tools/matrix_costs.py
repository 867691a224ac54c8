"""What each kind of encryption matrix costs and withstands: the table of docs/model-encryption.md.

Costs on the shipped plain model, and what attacks show of the same four scenes (mean SSIM): by two photographs' pairs,
and by the encrypted scenes alone with the moments of public photographs, or with the scenes' own.

python tools/matrix_costs.py
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

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
from veilseg.keys import Key
from veilseg.models import encrypt_model, encrypt_with_matrix, load_model

BLOCK, SCENES, PAIRS = 16, 4, 2
#: What stands for the middle of 0..255, by the bytes of a stored value.
MIDDLES = {1: 127.5, 2: 32768.0, 4: 0.0}


def batch(image: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.asarray(image, np.float32)).permute(2, 0, 1)[None]


@torch.no_grad()
def main() -> None:
    key = Key(bytes(range(32)))
    plain = load_model("plain")
    plain.fold_normalization()
    plain.widen_patch(BLOCK)
    network, photos = plain.network, [generate_scene(index, (320, 480)).image for index in range(SCENES)]
    began = time.perf_counter()
    gaussian = EncryptionMatrix.drawn(key, BLOCK)
    gaussian.inverse  # noqa: B018
    drawing = time.perf_counter() - began
    rows: list[tuple[str, int, float, Any, Callable[[np.ndarray], np.ndarray], Callable[[np.ndarray], np.ndarray]]] = []
    for name, size in (("patch-permutation", 1), ("patch-rotation", 2)):
        made = cipher(name, BLOCK)
        condition = float(np.linalg.cond(made.affine(key).matrix))
        model = encrypt_model(plain, key, name).network
        rows.append(
            (
                name,
                size,
                condition,
                model,
                lambda p, c=made: c.encrypt_pixels(p, key, None),
                lambda s, c=made: c.decrypt_pixels(s, key, None),
            )
        )
    rows.append(
        (
            "Gaussian, float32",
            4,
            gaussian.condition,
            encrypt_with_matrix(network, gaussian),
            gaussian.encrypt,
            gaussian.decrypt,
        )
    )
    model_16 = encrypt_with_matrix(network, gaussian, bits=16)
    rows.append(
        (
            "Gaussian, 16 bits",
            2,
            gaussian.condition,
            model_16,
            lambda p: gaussian.store(gaussian.encrypt(p)),
            lambda s: gaussian.decrypt(gaussian.load(s)),
        )
    )
    print(f"drawing and inverting the Gaussian matrix: {drawing:.2f} s")
    print(
        "| matrix | bytes a value | condition | pixels restored, worst error of 255 | logits off | same pixels | ms "
        "| opened by pairs | alone | alone, own moments | grey |"
    )
    known = [pad(image, BLOCK) for image in open_references(None)[:PAIRS]]
    for name, size, condition, model, encrypt, decrypt in rows:
        errors, offs, same, spent = [], [], [], []
        for photo in photos:
            began = time.perf_counter()
            stored = encrypt(photo)
            spent.append(time.perf_counter() - began)
            errors.append(int(np.abs(decrypt(stored).astype(int) - photo).max()))
            wanted, got = network(batch(photo)), model(batch(stored))
            offs.append(float((got - wanted).abs().mean() / wanted.std()))
            same.append(float((got.argmax(1) == wanted.argmax(1)).float().mean()))
        milliseconds = 1000 * np.median(spent)
        costs = f"{max(errors)} | {max(offs):.1e} | {min(same):.2%} | {milliseconds:.0f}"
        numbers = [np.asarray(encrypt(photo), np.float64) - MIDDLES[size] for photo in [*known, *photos]]
        shown = withstands(numbers[: len(known)], numbers[len(known) :], photos)
        print(f"| {name} | {size} | {condition:.3g} | {costs} | {shown} |", flush=True)


def withstands(pairs: list[np.ndarray], encrypted: list[np.ndarray], photos: list[np.ndarray]) -> str:
    """SSIM of what attacks on any matrix show of `encrypted`, numbers [H, W, 3] around 0; and of plain grey."""
    known = [pad(image, BLOCK) for image in open_references(None)[:PAIRS]]
    solved = solve_matrix(list(zip(known, pairs, strict=True)), BLOCK)
    grids = [block_grid(image, BLOCK) for image in encrypted]
    guesses = [solved, *(match_matrix(grids, given, BLOCK) for given in (open_references(None), photos))]
    scores = []
    for guess in guesses:
        opened = [
            as_pixels(join_blocks(grid.reshape(-1, len(guess)) @ guess + 127.5, photos[0].shape, BLOCK))
            for grid in grids
        ]
        scores.append(np.mean([compare(one, photo).ssim for one, photo in zip(opened, photos, strict=True)]))
    scores.append(np.mean([compare(np.full_like(photo, 127), photo).ssim for photo in photos]))
    return " | ".join(f"{score:.2f}" for score in scores)


if __name__ == "__main__":
    main()
