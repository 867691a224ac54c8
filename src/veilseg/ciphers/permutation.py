"""patch-permutation [P2]: one permutation of the values of a block, the same for all blocks and images of a key."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from veilseg.ciphers.grid import Pixels, check_block, check_pixels, cut_blocks, join_blocks
from veilseg.ciphers.image import Cipher
from veilseg.ciphers.keystream import Keystream, shuffled
from veilseg.keys import Key


def permutation(key: Key, block: int) -> NDArray[np.int64]:
    """The key's permutation l of the L = block * block * 3 values of a block: int64 [L], b_hat = b[l].

    Flattening order: channel, row, column. The block size (4 bytes, big-endian) goes into the nonce of the subkey, so
    that the permutations of one key for several block sizes are unrelated. Every permutation is equally likely.
    """
    check_block(block)
    subkey = key.derive("patch-permutation", int(block).to_bytes(4, "big"))
    return shuffled(3 * block * block, Keystream(subkey))


def permute_pixels(pixels: Pixels, order: NDArray[np.int64], block: int, *, inverse: bool = False) -> Pixels:
    """Every block b of uint8 [H, W, 3] becomes b[order] (inverse=True: the way back); sides multiples of `block`."""
    pixels = check_pixels(pixels, block)
    blocks = cut_blocks(pixels, block)
    return join_blocks(blocks[:, np.argsort(order) if inverse else order], pixels.shape, block)


class PatchPermutation(Cipher):
    """Every block permuted alike; a model encrypted with the same key reads it as if it were plain."""

    name = "patch-permutation"
    keyed = "required"

    def encrypt_pixels(self, pixels: Pixels, key: Key | None, nonce: bytes | None) -> Pixels:
        """Permute every block of uint8 [H, W, 3]."""
        assert key is not None
        return permute_pixels(pixels, permutation(key, self.block), self.block)

    def decrypt_pixels(self, pixels: Pixels, key: Key, nonce: bytes | None) -> Pixels:
        """Permute every block back."""
        return permute_pixels(pixels, permutation(key, self.block), self.block, inverse=True)
