"""patch-rotation: one random orthogonal matrix for all blocks of a key, stored in 16 bits.

The method of [Kiya 2022] with a real matrix; spec/veil-3.md, section 5.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from veilseg.ciphers.affine import AffineMap
from veilseg.ciphers.base import Cipher, require
from veilseg.ciphers.grid import Pixels, check_pixels, cut_blocks, join_blocks
from veilseg.ciphers.patch.gaussian import gaussian_matrix
from veilseg.errors import InvalidImageError
from veilseg.keys import Key

MIDDLE = 32768.0  # what a stored value of zero is
_BATCH = 1024  # blocks per product: bounds the float64 copies of large images


def rotation_scale(block: int) -> float:
    """Stored steps per unit. No rotated block of values -127.5..127.5 is longer than 127.5 * sqrt(L): none clips."""
    return float(32767 / (127.5 * np.sqrt(3 * block * block)))


def rotation(key: Key, block: int) -> NDArray[np.float64]:
    """The key's orthogonal matrix M for blocks of `block` pixels a side: float64 [L, L], read-only.

    It is the E_enc of [Kiya 2022]. Haar-distributed: the Q of the QR decomposition, with positive diagonal of R, of a
    Gaussian matrix that Box-Muller makes from the key's stream. An encrypted block is (b - 127.5) M^T. The same on all
    machines up to float rounding.
    """
    return _orthogonal(key.derive("patch-rotation", int(block).to_bytes(4, "big")), 3 * int(block) ** 2)


@lru_cache(maxsize=2)  # a key's and a wrong one's: the matrix takes longer to make than most images to multiply
def _orthogonal(subkey: bytes, size: int) -> NDArray[np.float64]:
    q, r = np.linalg.qr(gaussian_matrix(subkey, size))
    q *= np.where(np.diag(r) < 0, -1.0, 1.0)
    q.flags.writeable = False
    return q


def rotate_pixels(pixels: Pixels, matrix: NDArray[np.float64], block: int) -> NDArray[np.uint16]:
    """Encrypt uint8 [H, W, 3], sides multiples of `block`: uint16 of the same shape, round(b_hat * scale) + 32768."""
    pixels = check_pixels(pixels, block)
    blocks = cut_blocks(pixels, block)
    out = np.empty(blocks.shape, np.uint16)
    for at in range(0, len(blocks), _BATCH):
        turned = (blocks[at : at + _BATCH] - 127.5) @ matrix.T
        out[at : at + _BATCH] = np.clip(np.rint(turned * rotation_scale(block)) + MIDDLE, 0, 65535).astype(np.uint16)
    return join_blocks(out, pixels.shape, block)


def unrotate_pixels(stored: NDArray[Any], matrix: NDArray[np.float64], block: int) -> Pixels:
    """The way back from `rotate_pixels`: exactly the uint8 [H, W, 3] that was encrypted."""
    if stored.dtype != np.uint16:
        raise InvalidImageError(f"an image of patch-rotation has 16-bit values, not {stored.dtype}")
    blocks = cut_blocks(stored, block)
    out = np.empty(blocks.shape, np.uint8)
    for at in range(0, len(blocks), _BATCH):
        plain = ((blocks[at : at + _BATCH] - MIDDLE) / rotation_scale(block)) @ matrix + 127.5
        out[at : at + _BATCH] = np.clip(np.rint(plain), 0, 255).astype(np.uint8)
    return join_blocks(out, stored.shape, block)


class PatchRotation(Cipher):
    """Every block rotated alike, in 16 bits; a model encrypted with the same key reads it as if it were plain."""

    name = "patch-rotation"

    def encrypt_pixels(self, pixels: Pixels, key: Key | None, nonce: bytes | None) -> NDArray[Any]:
        """Rotate every block of uint8 [H, W, 3]: uint16 of the same shape."""
        return rotate_pixels(pixels, rotation(require(key), self.spec.block), self.spec.block)

    def decrypt_pixels(self, pixels: NDArray[Any], key: Key, nonce: bytes | None) -> Pixels:
        """Rotate every block back."""
        return unrotate_pixels(pixels, rotation(key, self.spec.block), self.spec.block)

    def _affine(self, key: Key) -> AffineMap:
        """Stored = round((plain - 127.5) M^T * scale) + 32768, undone."""
        return AffineMap(rotation(key, self.spec.block), 1 / rotation_scale(self.spec.block), MIDDLE, 127.5)
