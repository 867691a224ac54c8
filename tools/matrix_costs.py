"""What each kind of encryption matrix costs and withstands: the tables of docs/model-encryption.md.

Costs for blocks of 16 pixels on the shipped plain model. Attacks, which take any matrix, on blocks of 8 pixels of the
same scenes, as a mean SSIM of what they show.

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

BLOCK, ATTACKED, SCENES = 16, 8, 4


def scenes() -> list[np.ndarray]:
    """Those that everything here is measured on, 480 x 320."""
    return [generate_scene(index, (320, 480)).image for index in range(SCENES)]


def batch(image: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.asarray(image, np.float32)).permute(2, 0, 1)[None]


@torch.no_grad()
def main() -> None:
    key = Key(bytes(range(32)))
    plain = load_model("plain")
    plain.fold_normalization()
    plain.widen_patch(BLOCK)
    network, photos = plain.network, scenes()
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
        "| matrix | bytes a value | condition | pixels restored, worst error of 255 | logits off | same pixels | ms |"
    )
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
        print(f"| {name} | {size} | {condition:.3g} | {costs} |")


def withstand() -> None:
    """By pairs of two public photographs; by the encrypted scenes alone with public moments, or the scenes' own."""
    key, photos, references = Key(bytes(range(32))), scenes(), open_references(None)
    permutation, rotation = (cipher(name, ATTACKED) for name in ("patch-permutation", "patch-rotation"))
    kinds: dict[str, Callable[[np.ndarray], np.ndarray]] = {
        "patch-permutation": lambda p: permutation.encrypt_pixels(p, key, None) - 127.5,
        "patch-rotation": lambda p: rotation.encrypt_pixels(p, key, None) - 32768.0,
        "Gaussian, float32": EncryptionMatrix.drawn(key, ATTACKED).encrypt,
    }
    print("| matrix | by pairs | alone, public moments | alone, own moments | plain grey |")
    for name, encrypt in kinds.items():
        known = [pad(image, ATTACKED) for image in references[:2]]
        grids = [block_grid(encrypt(photo).astype(np.float64), ATTACKED) for photo in photos]
        guesses = [solve_matrix([(image, encrypt(image).astype(np.float64)) for image in known], ATTACKED)]
        guesses += [match_matrix(grids, given, ATTACKED) for given in (references, photos)]
        shown = [[opened(grid @ guess, photos[0].shape) for grid in grids] for guess in guesses]
        shown.append([np.full_like(photo, 127) for photo in photos])
        scores = [np.mean([compare(a, b).ssim for a, b in zip(pictures, photos, strict=True)]) for pictures in shown]
        print(f"| {name} | {' | '.join(f'{score:.2f}' for score in scores)} |", flush=True)


def opened(values: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Values of blocks around 0, [rows, columns, L], as a picture."""
    return as_pixels(join_blocks(values.reshape(-1, values.shape[2]) + 127.5, shape, ATTACKED))


if __name__ == "__main__":
    withstand()
    main()
