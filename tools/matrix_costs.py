"""What each kind of encryption matrix costs: the table of docs/model-encryption.md, on the shipped plain model.

python tools/matrix_costs.py
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from veilseg.ciphers import cipher
from veilseg.ciphers.patch.matrix import EncryptionMatrix
from veilseg.data.scenes.scene import generate_scene
from veilseg.keys import Key
from veilseg.models import encrypt_model, encrypt_with_matrix, load_model

BLOCK, SCENES = 16, 4


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


if __name__ == "__main__":
    main()
