"""What a network sees of a plain image in training: the same image under the cipher that its input asks for."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from veilseg.ciphers import canonicalize, mosaic, permutation, quartiles, shuffle_pixels
from veilseg.ciphers.ffx import ffx_positions, ffx_table
from veilseg.ciphers.negative_positive import INVERTED, exchange_pixels, np_positions
from veilseg.ciphers.permutation import permute_pixels
from veilseg.ciphers.shf import shf_order
from veilseg.errors import UsageError
from veilseg.keys import Key
from veilseg.modelspec import InputSpec

Pixels = NDArray[np.uint8]
Stored = NDArray[Any]


class View:
    """Plain uint8 [H, W, 3], sides multiples of the block, to the pixels that a model with input `spec` reads.

    They are uint8, and uint16 for "ffx". `key` is the one key of a model that has one. Images are shuffled with keys
    that follow from `identity`, so that a run can be repeated; they belong to the creator, who has the plain images
    anyway, and protect nobody.
    """

    def __init__(self, spec: InputSpec, key: Key | None = None) -> None:
        self.spec = spec
        if spec.cipher == "patch-rotation":
            raise UsageError(f"training on {spec.cipher} images is not offered", "train a plain model and encrypt it")
        if spec.keyed and (key is None or key.fingerprint != spec.key_fingerprint):
            raise UsageError(f"this model reads images of the key {spec.key_fingerprint}", "give that key")
        self.keyed = _keyed_map(spec, key) if spec.keyed and key is not None else None

    def __call__(self, image: Pixels, identity: str) -> Stored:
        spec = self.spec
        if self.keyed is not None:
            return self.keyed(image)
        if spec.cipher == "plain":
            return image
        assert spec.sub_block is not None
        if spec.cipher == "mosaic":
            return mosaic(image, spec.sub_block)
        if spec.cipher == "subblock-quartiles":
            return quartiles(image, spec.sub_block)
        options: Any = {"channels": spec.channels, "shuffle": spec.shuffle}
        if spec.canonical:
            return canonicalize(image, spec.block, spec.sub_block, **options)
        subkey = hashlib.sha256(f"training:{identity}".encode()).digest()
        return shuffle_pixels(image, subkey, spec.block, spec.sub_block, **options)


def _keyed_map(spec: InputSpec, key: Key) -> Callable[[Pixels], Stored]:
    """What the cipher does under this key, as arrays alone: a key cannot be sent to the processes that load samples."""
    block = spec.block
    if spec.cipher in ("patch-permutation", "shf"):
        order = permutation(key, block) if spec.cipher == "patch-permutation" else shf_order(key, block)
        return partial(permute_pixels, order=order, block=block)
    if spec.cipher == "np":
        return partial(exchange_pixels, chosen=np_positions(key, block), table=INVERTED, block=block)
    return partial(exchange_pixels, chosen=ffx_positions(key, block), table=ffx_table(key), block=block)
