"""What NP and FFX share: at a keyed half of a block's positions a value is exchanged by a table."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from veilseg.ciphers.base import Cipher, InputTransform, require
from veilseg.ciphers.grid import Pixels, check_pixels, cut_blocks, join_blocks
from veilseg.ciphers.patch.permutation import keyed_order
from veilseg.errors import InvalidImageError
from veilseg.keys import Key


class Exchange(Cipher):
    """Half of the values of every block exchanged one by one, the same positions in all blocks."""

    #: The purpose of the subkey that chooses the positions.
    purpose: str

    @abstractmethod
    def table(self, key: Key) -> NDArray[Any]:
        """What the values 0..255 become at chosen positions: [256], all different, of the stored type."""

    def positions(self, key: Key) -> NDArray[np.bool_]:
        """Which of the L = 3 * block * block positions are chosen: bool [L], exactly floor(L / 2) of them."""
        length = 3 * self.spec.block**2
        chosen = np.zeros(length, np.bool_)
        subkey = key.derive(self.purpose, self.spec.block.to_bytes(4, "big"))
        chosen[keyed_order(subkey, length)[: length // 2]] = True
        return chosen

    def encrypt_pixels(self, pixels: Pixels, key: Key | None, nonce: bytes | None) -> NDArray[Any]:
        """Look the chosen values of uint8 [H, W, 3] up."""
        chosen, table = self.positions(require(key)), self.table(require(key))
        blocks = cut_blocks(check_pixels(pixels, self.spec.block), self.spec.block)
        return join_blocks(np.where(chosen, table[blocks], blocks.astype(table.dtype)), pixels.shape, self.spec.block)

    def decrypt_pixels(self, pixels: NDArray[Any], key: Key, nonce: bytes | None) -> Pixels:
        """The way back; InvalidImageError for values that no photograph could have become."""
        back = np.full(65536, -1, np.int32)
        back[self.table(key)] = np.arange(256)
        blocks = cut_blocks(pixels, self.spec.block)
        plain = np.where(self.positions(key), back[blocks], blocks.astype(np.int32))
        if (plain < 0).any() or (plain > 255).any():
            raise InvalidImageError(
                f"this image holds values that {self.name} does not make", "it was changed, or is damaged"
            )
        return join_blocks(plain.astype(np.uint8), pixels.shape, self.spec.block)

    def _input_transform(self, key: Key | None) -> InputTransform:
        from veilseg.ciphers.tensors import exchanged

        return exchanged(self.positions(require(key)), self.table(require(key)), self.spec.block)
