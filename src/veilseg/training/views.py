"""What a network sees of a plain image in training: the same image under the cipher that its input asks for."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from veilseg.ciphers import canonicalize, mosaic, permutation, shuffle_pixels
from veilseg.ciphers.permutation import permute_pixels
from veilseg.errors import UsageError
from veilseg.keys import Key
from veilseg.modelspec import InputSpec

Pixels = NDArray[np.uint8]


class View:
    """Plain uint8 [H, W, 3], sides multiples of the block, to the pixels that a model with input `spec` reads.

    `key` is the one key of an encrypted model. Images are shuffled with keys that follow from `identity`, so that a
    run can be repeated; they belong to the creator, who has the plain images anyway, and protect nobody.
    """

    def __init__(self, spec: InputSpec, key: Key | None = None) -> None:
        self.spec = spec
        self.order = None
        if spec.cipher == "patch-permutation":
            if key is None or key.fingerprint != spec.key_fingerprint:
                raise UsageError(f"this model reads images of the key {spec.key_fingerprint}", "give that key")
            self.order = permutation(key, spec.block)
        elif spec.cipher not in ("plain", "subblock-sort", "subblock-shuffle", "mosaic"):
            raise UsageError(f"training on {spec.cipher} images is not offered", "train a plain model and encrypt it")

    def __call__(self, image: Pixels, identity: str) -> Pixels:
        spec = self.spec
        if self.order is not None:
            return permute_pixels(image, self.order, spec.block)
        if spec.cipher == "plain":
            return image
        assert spec.sub_block is not None
        if spec.cipher == "mosaic":
            return mosaic(image, spec.sub_block)
        options: Any = {"channels": spec.channels, "shuffle": spec.shuffle}
        if spec.canonical:
            return canonicalize(image, spec.block, spec.sub_block, **options)
        subkey = hashlib.sha256(f"training:{identity}".encode()).digest()
        return shuffle_pixels(image, subkey, spec.block, spec.sub_block, **options)
