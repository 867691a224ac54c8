"""The mosaic: the yardstick that every cipher is measured against, because it gives away only the sub-block means."""

from __future__ import annotations

import numpy as np

from veilseg.ciphers import engine, reference
from veilseg.ciphers.grid import Pixels, check_pixels, check_sub_block
from veilseg.ciphers.image import Cipher
from veilseg.keys import Key


def mosaic(pixels: Pixels, sub_block: int) -> Pixels:
    """Fill every sub-block with the mean of each channel, rounded to the nearest integer (halves up).

    pixels: uint8 [H, W, 3], sides multiples of `sub_block` (pixels). Returns a new array of the same shape. Raises
    InvalidImage for other arrays or sides.
    """
    check_sub_block(sub_block, sub_block)
    pixels = check_pixels(pixels, sub_block)
    height, width = pixels.shape[:2]
    kernels = engine.kernels("kernels", height * width)
    if kernels is None:
        return reference.mosaic(pixels, sub_block)
    out = np.empty_like(pixels)

    def work(start: int, stop: int) -> None:
        kernels.fill_means(pixels, out, start * sub_block, stop * sub_block, sub_block)

    engine.over_rows(work, height // sub_block, height * width)
    return out


class Mosaic(Cipher):
    """Sends the mosaic, at full size so that every model takes it."""

    name = "mosaic"
    keyed = "no"
    has_sub_blocks = True

    def encrypt_pixels(self, pixels: Pixels, key: Key | None, nonce: bytes | None) -> Pixels:
        """The mosaic of uint8 [H, W, 3]."""
        assert self.sub_block is not None
        return mosaic(pixels, self.sub_block)
