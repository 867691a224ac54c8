"""SHF, conventional ([P2] Table 2; AprilPyone and Kiya): the values of a block in one keyed order, to be trained with.

The same map as patch-permutation, under another subkey: there a model is encrypted, here a network is trained on the
encrypted images.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from veilseg.ciphers.grid import Pixels
from veilseg.ciphers.image import Cipher
from veilseg.ciphers.keystream import Keystream, shuffled
from veilseg.ciphers.permutation import permute_pixels
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
    keyed = "required"

    def encrypt_pixels(self, pixels: Pixels, key: Key | None, nonce: bytes | None) -> Pixels:
        """Reorder every block of uint8 [H, W, 3]."""
        assert key is not None
        return permute_pixels(pixels, shf_order(key, self.block), self.block)

    def decrypt_pixels(self, pixels: Pixels, key: Key, nonce: bytes | None) -> Pixels:
        """Reorder every block back."""
        return permute_pixels(pixels, shf_order(key, self.block), self.block, inverse=True)
