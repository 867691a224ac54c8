"""FFX, conventional ([P2] Table 2; AprilPyone and Kiya): at a keyed half of a block's positions a value becomes another
number of three decimal digits, by format-preserving encryption.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from veilseg.ciphers import ff1
from veilseg.ciphers.grid import Pixels, cut_blocks, join_blocks
from veilseg.ciphers.image import Cipher
from veilseg.ciphers.negative_positive import exchange_pixels, keyed_half
from veilseg.errors import InvalidImage
from veilseg.keys import Key


def ffx_table(key: Key) -> NDArray[np.uint16]:
    """What the values 0..255 become: uint16 [256], distinct numbers 0..999, FF1 with AES-256 and no tweak.

    A network takes stored values divided by the greatest of the table, as in the paper.
    """
    return _table(key.derive("ffx"))


@lru_cache(maxsize=8)
def _table(subkey: bytes) -> NDArray[np.uint16]:
    digits = (ff1.encrypt(subkey, [v // 100, v // 10 % 10, v % 10]) for v in range(256))
    table = np.array([100 * a + 10 * b + c for a, b, c in digits], np.uint16)
    table.flags.writeable = False
    return table


def ffx_positions(key: Key, block: int) -> NDArray[np.bool_]:
    """Which positions of a block are encrypted: bool [L]."""
    return keyed_half(key.derive("ffx-positions", block.to_bytes(4, "big")), block)


class Ffx(Cipher):
    """Half of the values of every block encrypted one by one, the same positions in all blocks; 16 bits stored."""

    name = "ffx"
    keyed = "required"

    def encrypt_pixels(self, pixels: Pixels, key: Key | None, nonce: bytes | None) -> NDArray[Any]:
        """Look the chosen values of uint8 [H, W, 3] up: uint16 of the same shape, values 0..999."""
        assert key is not None
        return exchange_pixels(pixels, ffx_positions(key, self.block), ffx_table(key), self.block)

    def decrypt_pixels(self, pixels: NDArray[Any], key: Key, nonce: bytes | None) -> Pixels:
        """The way back; InvalidImage for values that no photograph could have become."""
        table = ffx_table(key)
        back = np.full(65536, -1, np.int32)
        back[table] = np.arange(256)
        blocks = cut_blocks(pixels, self.block)
        plain = np.where(ffx_positions(key, self.block), back[blocks], blocks.astype(np.int32))
        if (plain < 0).any() or (plain > 255).any():
            raise InvalidImage("this image holds values that ffx does not make", "it was changed, or is damaged")
        return join_blocks(plain.astype(np.uint8), pixels.shape, self.block)
