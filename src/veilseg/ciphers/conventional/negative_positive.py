"""NP: at a keyed half of a block's positions x becomes 255 - x [AprilPyone 2020]. See spec/veil-3.md, section 6."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from veilseg.ciphers.base import Cipher, InputTransform, require
from veilseg.ciphers.conventional.shf import keyed_order
from veilseg.ciphers.conventional.transform import without_identity
from veilseg.ciphers.grid import Pixels, check_pixels, cut_blocks, join_blocks
from veilseg.keys import Key

#: What a chosen value becomes: uint8 [256].
INVERTED = np.arange(255, -1, -1, dtype=np.uint8)


def keyed_half(subkey: bytes, block: int) -> NDArray[np.bool_]:
    """Which of the L = 3 * block * block positions of a block are chosen: bool [L], exactly floor(L / 2) of them."""
    length = 3 * block * block
    chosen = np.zeros(length, np.bool_)
    chosen[keyed_order(subkey, length)[: length // 2]] = True
    return chosen


def np_positions(key: Key, block: int) -> NDArray[np.bool_]:
    """Which positions of a block are inverted: bool [L]."""
    return keyed_half(key.derive("np", block.to_bytes(4, "big")), block)


def exchange_pixels(pixels: Pixels, chosen: NDArray[np.bool_], table: NDArray[Any], block: int) -> NDArray[Any]:
    """uint8 [H, W, 3] with the values v at the `chosen` positions [L] of every block replaced by table[v]; `table`'s
    dtype. The sides are multiples of `block`."""
    blocks = cut_blocks(check_pixels(pixels, block), block)
    return join_blocks(np.where(chosen, table[blocks], blocks.astype(table.dtype)), pixels.shape, block)


class NegativePositive(Cipher):
    """Half of the values of every block inverted, the same positions in all blocks; its own inverse."""

    name = "np"

    def encrypt_pixels(self, pixels: Pixels, key: Key | None, nonce: bytes | None) -> Pixels:
        """Invert the chosen values of uint8 [H, W, 3]."""
        return exchange_pixels(pixels, np_positions(require(key), self.spec.block), INVERTED, self.spec.block)

    def decrypt_pixels(self, pixels: Pixels, key: Key, nonce: bytes | None) -> Pixels:
        """Invert them again."""
        return self.encrypt_pixels(pixels, key, nonce)

    def _input_transform(self, key: Key | None) -> InputTransform:
        chosen = np_positions(require(key), self.spec.block)
        return without_identity(partial(exchange_pixels, chosen=chosen, table=INVERTED, block=self.spec.block))
