"""SHF: the values of a block in one keyed order, to be trained with [AprilPyone 2020]. See spec/veil-3.md, section 6.

The same map as patch-permutation, under another subkey: there a model is encrypted, here a network is trained on the
encrypted images.
"""

from __future__ import annotations

from functools import lru_cache, partial

import numpy as np
from numpy.typing import NDArray

from veilseg.ciphers.base import Cipher, InputTransform, require
from veilseg.ciphers.conventional.transform import without_identity
from veilseg.ciphers.grid import Pixels
from veilseg.ciphers.keystream import Keystream, shuffled
from veilseg.ciphers.patch.permutation import permute_pixels
from veilseg.keys import Key


@lru_cache(maxsize=8)
def keyed_order(subkey: bytes, length: int) -> NDArray[np.int64]:
    """A uniform permutation of 0..length-1 from a subkey, read-only: int64 [length]."""
    order = shuffled(length, Keystream(subkey))
    order.flags.writeable = False
    return order


def shf_order(key: Key, block: int) -> NDArray[np.int64]:
    """The order of a block's L = 3 * block * block values under `key`: int64 [L], read-only; b_hat = b[order]."""
    return keyed_order(key.derive("shf", block.to_bytes(4, "big")), 3 * block**2)


class Shf(Cipher):
    """Every block of M x M x 3 values in the same keyed order."""

    name = "shf"

    def encrypt_pixels(self, pixels: Pixels, key: Key | None, nonce: bytes | None) -> Pixels:
        """Reorder every block of uint8 [H, W, 3]."""
        return permute_pixels(pixels, self.block_order(require(key)), self.spec.block)

    def decrypt_pixels(self, pixels: Pixels, key: Key, nonce: bytes | None) -> Pixels:
        """Reorder every block back."""
        return permute_pixels(pixels, self.block_order(key), self.spec.block, inverse=True)

    def block_order(self, key: Key) -> NDArray[np.int64]:
        """The key's order."""
        return shf_order(key, self.spec.block)

    def _input_transform(self, key: Key | None) -> InputTransform:
        order = self.block_order(require(key))
        return without_identity(partial(permute_pixels, order=order, block=self.spec.block))
