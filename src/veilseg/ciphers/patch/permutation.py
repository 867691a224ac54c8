"""patch-permutation: one permutation of the values of a block, the same for all blocks and images of a key.

The example of [Kiya 2022]; spec/veil-3.md, section 5.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from veilseg.ciphers.affine import AffineMap
from veilseg.ciphers.base import Cipher, InputTransform, require
from veilseg.ciphers.grid import Pixels, check_pixels, cut_blocks, join_blocks
from veilseg.ciphers.kernels import engine
from veilseg.ciphers.keystream import Keystream, shuffled
from veilseg.keys import Key


@lru_cache(maxsize=8)
def keyed_order(subkey: bytes, length: int) -> NDArray[np.int64]:
    """A uniform permutation of 0..length-1 from a subkey, read-only: int64 [length]."""
    order = shuffled(length, Keystream(subkey))
    order.flags.writeable = False
    return order


def permute_pixels(pixels: Pixels, order: NDArray[np.int64], block: int, *, inverse: bool = False) -> Pixels:
    """Every block b of uint8 [H, W, 3] becomes b[order] (inverse=True: the way back); sides multiples of `block`."""
    pixels = check_pixels(pixels, block)
    order = np.argsort(order) if inverse else order
    height, width = pixels.shape[:2]
    kernels = engine.kernels("permutation", height * width)
    if kernels is None:
        return join_blocks(cut_blocks(pixels, block)[:, order], pixels.shape, block)
    out = np.empty_like(pixels)
    # Where the values of a block stand in its row of blocks, in the order of the row: channel, row, column of value i.
    channel, y, x = np.unravel_index(np.arange(len(order)), (3, block, block))
    place = (3 * (y * width + x) + channel).astype(np.uint64)
    raster = np.argsort(place)
    to, origin = place[raster], place[order][raster]

    def work(start: int, stop: int) -> None:
        for top in range(start * block, stop * block, block):
            band = slice(top, top + block)
            kernels.move_values(pixels[band].reshape(-1), out[band].reshape(-1), block, to, origin)

    engine.over_rows(work, height // block, height * width)
    return out


class PatchPermutation(Cipher):
    """Every block permuted alike; a model encrypted with the same key reads it as if it were plain."""

    name = "patch-permutation"

    def encrypt_pixels(self, pixels: Pixels, key: Key | None, nonce: bytes | None) -> Pixels:
        """Permute every block of uint8 [H, W, 3]."""
        return permute_pixels(pixels, self.block_order(require(key)), self.spec.block)

    def decrypt_pixels(self, pixels: Pixels, key: Key, nonce: bytes | None) -> Pixels:
        """Permute every block back."""
        return permute_pixels(pixels, self.block_order(key), self.spec.block, inverse=True)

    def input_transform(self, key: Key | None) -> InputTransform:
        """Permuted blocks: a model encrypted with the key can be adapted to them."""
        from veilseg.ciphers.tensors import permuted

        return permuted(self.block_order(require(key)), self.spec.block)

    def _affine(self, key: Key) -> AffineMap:
        """stored[i] = plain[order[i]]."""
        order = self.block_order(key)
        matrix = np.zeros((len(order), len(order)))
        matrix[np.arange(len(order)), order] = 1.0
        return AffineMap(matrix)

    def block_order(self, key: Key) -> NDArray[np.int64]:
        """The key's permutation l of the L = block * block * 3 values of a block: int64 [L], b_hat = b[l].

        Flattening order: channel, row, column. The block size (4 bytes, big-endian) goes into the nonce of the subkey,
        so that the permutations of one key for several block sizes are unrelated. All are equally likely.
        """
        return keyed_order(key.derive(self.name, self.spec.block.to_bytes(4, "big")), 3 * self.spec.block**2)
