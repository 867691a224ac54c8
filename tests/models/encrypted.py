"""Images encrypted block by block with nothing but NumPy, and what it means that two networks answer the same."""

from __future__ import annotations

import hashlib
from functools import cache

import numpy as np
import torch

from veilseg.ciphers import cipher as make_cipher
from veilseg.keys import Key

# Always the same: what is compared with a tolerance should not depend on luck.
KEYS = [Key(hashlib.sha256(name).digest()) for name in (b"own", b"wrong")]
CIPHERS = ["patch-permutation", "patch-rotation"]


@cache
def inverse(index: int, block: int) -> np.ndarray:
    return np.linalg.inv(make_cipher("patch-rotation", block).affine(KEYS[index]).matrix)


def encrypt_blocks(pixels: torch.Tensor, cipher: str, key: Key, block: int, *, exact: bool = False) -> torch.Tensor:
    """Images [N, 3, H, W] encrypted block by block, with nothing but NumPy, as floats of the stored values."""
    out = np.empty(pixels.shape)
    length = 3 * block * block
    for n, image in enumerate(pixels.numpy().astype(np.float64)):
        for top in range(0, image.shape[1], block):
            for left in range(0, image.shape[2], block):
                part = image[:, top : top + block, left : left + block]
                flat = part.reshape(length)
                if cipher == "patch-permutation":
                    stored = flat[make_cipher(cipher, block).block_order(key)]
                else:
                    turned = (flat - 127.5) @ inverse(KEYS.index(key), block)
                    stored = turned * 32767 / (127.5 * length**0.5) + 32768
                    stored = stored if exact else np.rint(stored)
                out[n, :, top : top + block, left : left + block] = stored.reshape(part.shape)
    return torch.from_numpy(out.astype(np.float32))


def same(got: torch.Tensor, wanted: torch.Tensor, tolerance: float = 2e-4) -> None:
    """Equal logits up to `tolerance` of their spread, and identical predictions where the best is clear."""
    assert wanted.std() > 0.01, "logits that say nothing would hide any error"
    assert len(wanted.argmax(1).unique()) > 1
    error = tolerance * float(wanted.std())
    assert (got - wanted).abs().max() < error
    best = wanted.topk(2, dim=1).values
    clear = best[:, 0] - best[:, 1] > 2 * error
    assert clear.float().mean() > 0.99
    assert torch.equal(got.argmax(1)[clear], wanted.argmax(1)[clear])
