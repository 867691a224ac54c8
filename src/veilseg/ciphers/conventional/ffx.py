"""FFX: at a keyed half of a block's positions a value becomes another number of three decimal digits.

By format-preserving encryption [AprilPyone 2020]. See spec/veil-3.md, section 6.
"""

from __future__ import annotations

from functools import lru_cache, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from veilseg.ciphers.base import Cipher, InputTransform, require
from veilseg.ciphers.conventional import ff1
from veilseg.ciphers.conventional.negative_positive import exchange_pixels, keyed_half
from veilseg.ciphers.conventional.transform import without_identity
from veilseg.ciphers.grid import Pixels, cut_blocks, join_blocks
from veilseg.errors import InvalidImageError
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

    def encrypt_pixels(self, pixels: Pixels, key: Key | None, nonce: bytes | None) -> NDArray[Any]:
        """Look the chosen values of uint8 [H, W, 3] up: uint16 of the same shape, values 0..999."""
        key = require(key)
        return exchange_pixels(pixels, ffx_positions(key, self.spec.block), ffx_table(key), self.spec.block)

    def decrypt_pixels(self, pixels: NDArray[Any], key: Key, nonce: bytes | None) -> Pixels:
        """The way back; InvalidImageError for values that no photograph could have become."""
        table = ffx_table(key)
        back = np.full(65536, -1, np.int32)
        back[table] = np.arange(256)
        blocks = cut_blocks(pixels, self.spec.block)
        plain = np.where(ffx_positions(key, self.spec.block), back[blocks], blocks.astype(np.int32))
        if (plain < 0).any() or (plain > 255).any():
            raise InvalidImageError("this image holds values that ffx does not make", "it was changed, or is damaged")
        return join_blocks(plain.astype(np.uint8), pixels.shape, self.spec.block)

    def _input_transform(self, key: Key | None) -> InputTransform:
        chosen, table = ffx_positions(require(key), self.spec.block), ffx_table(require(key))
        return without_identity(partial(exchange_pixels, chosen=chosen, table=table, block=self.spec.block))

    def stored_maximum(self, key: Key) -> float:
        """The greatest value of the key's table: networks take stored values divided by it, as in the paper."""
        return float(ffx_table(key).max())
