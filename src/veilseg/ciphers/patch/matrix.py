"""The E_enc of [Kiya 2022] as it is written: any invertible real matrix, for images of real numbers.

patch-permutation and patch-rotation are its special cases that fit the image file: a permutation keeps whole values, an
orthogonal matrix keeps lengths. Any other matrix stretches some directions and presses others flat, by its condition
number, and images need float32, or 16 bits at a measured loss (docs/model-encryption.md has the table).
"""

from __future__ import annotations

import contextlib
import hashlib
from dataclasses import dataclass
from functools import cached_property
from math import isqrt

import numpy as np
from numpy.typing import NDArray

from veilseg.ciphers.affine import AffineMap, Array
from veilseg.ciphers.grid import Pixels, check_pixels, cut_blocks, join_blocks
from veilseg.ciphers.patch.gaussian import gaussian_matrix
from veilseg.errors import UsageError
from veilseg.keys import Key

#: From this condition number on, float32 networks answer visibly otherwise.
LARGEST_CONDITION = 1e5
MIDDLE = 127.5
STORED_MIDDLE = 32768.0


@dataclass(frozen=True, eq=False)
class EncryptionMatrix:
    """E_enc: a block b (a row of L values 0..255) becomes (b - 127.5) E_enc^-1, and an embedding E becomes E_enc E.

    Attributes:
        matrix: float64 [L, L] with k in R; L = 3 * block * block in the order channel, row, column.

    Raises:
        UsageError: for another shape, values that are not finite, and matrices that are not invertible in float32, with
            their condition number.
    """

    matrix: Array

    def __post_init__(self) -> None:
        matrix = np.array(self.matrix, np.float64)
        side = matrix.shape[0] if matrix.ndim == 2 else 0
        if not side or matrix.shape != (side, side) or 3 * isqrt(side // 3) ** 2 != side:
            raise UsageError(
                f"a matrix of {list(matrix.shape)} fits no block", "3 p p rows and columns are meant, 768 for p = 16"
            )
        if not np.isfinite(matrix).all():
            raise UsageError("an encryption matrix has finite values only")
        matrix.flags.writeable = False
        object.__setattr__(self, "matrix", matrix)
        if not self.condition <= LARGEST_CONDITION:
            raise UsageError(
                f"this matrix has the condition number {self.condition:.1e}, and float32 bears {LARGEST_CONDITION:.0e}",
                "draw another",
            )

    @classmethod
    def drawn(cls, key: Key, block: int = 16) -> EncryptionMatrix:
        """The key's matrix for blocks of `block` pixels a side: independent standard Gaussian values.

        From a subkey of its own, so that a key's rotation says nothing about it. The first draw that float32 bears.
        """
        for draw in range(256):
            purpose = bytes([draw]) + block.to_bytes(4, "big")
            matrix = gaussian_matrix(key.derive("patch-matrix", purpose), 3 * block * block)
            with contextlib.suppress(UsageError):  # one that float32 does not bear
                return cls(matrix)
        raise UsageError("no matrix of this key is invertible")  # less likely than guessing the key

    @cached_property
    def fingerprint(self) -> str:
        """16 hex digits that tell matrices apart."""
        return hashlib.sha256(self.matrix.astype("<f8").tobytes()).hexdigest()[:16]

    @property
    def block(self) -> int:
        """The side of a block in pixels."""
        return isqrt(len(self.matrix) // 3)

    @cached_property
    def condition(self) -> float:
        """The ratio of the largest stretch to the smallest: how much errors of rounding grow at worst."""
        return float(np.linalg.cond(self.matrix))

    @cached_property
    def inverse(self) -> Array:
        """E_enc^-1, float64 [L, L]."""
        return np.asarray(np.linalg.inv(self.matrix), np.float64)

    @property
    def affine(self) -> AffineMap:
        """How a model reads the float32 images of `encrypt`."""
        return AffineMap(self.matrix, plain_offset=MIDDLE)

    @property
    def affine_16(self) -> AffineMap:
        """How a model reads the 16-bit images of `store`."""
        return AffineMap(self.matrix, self.step, STORED_MIDDLE, MIDDLE)

    @cached_property
    def step(self) -> float:
        """What one of 65,536 stored steps is worth: no block of pixels goes beyond them."""
        return float(MIDDLE * np.abs(self.inverse).sum(axis=0).max() / 32767)

    def encrypt(self, pixels: Pixels) -> NDArray[np.float32]:
        """uint8 [H, W, 3], sides multiples of the block, to float32 of the same shape."""
        blocks = (cut_blocks(check_pixels(pixels, self.block), self.block) - MIDDLE) @ self.inverse
        return join_blocks(blocks.astype(np.float32), pixels.shape, self.block)

    def decrypt(self, encrypted: NDArray[np.floating]) -> Pixels:
        """The way back from `encrypt`, rounded to uint8 [H, W, 3]."""
        plain = cut_blocks(encrypted, self.block).astype(np.float64) @ self.matrix + MIDDLE
        return join_blocks(np.rint(plain).clip(0, 255).astype(np.uint8), encrypted.shape, self.block)

    def store(self, encrypted: NDArray[np.floating]) -> NDArray[np.uint16]:
        """Encrypted values as uint16 of the same shape; `load` gives them back, off by half a `step` at most."""
        stored: NDArray[np.uint16] = np.rint(encrypted / self.step + STORED_MIDDLE).clip(0, 65535).astype(np.uint16)
        return stored

    def load(self, stored: NDArray[np.uint16]) -> NDArray[np.float64]:
        """The way back from `store`."""
        values: NDArray[np.float64] = (stored.astype(np.float64) - STORED_MIDDLE) * self.step
        return values
