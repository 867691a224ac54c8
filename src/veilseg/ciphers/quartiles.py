"""Between the sort and the mosaic: of every channel of a sub-block four means, those of the quarters of its values."""

from __future__ import annotations

import numpy as np

from veilseg.ciphers import engine, reference
from veilseg.ciphers.grid import Pixels, check_pixels, check_sub_block, flat
from veilseg.ciphers.image import Cipher
from veilseg.keys import Key


def quartiles(pixels: Pixels, sub_block: int) -> Pixels:
    """Sort the values of every channel of every sub-block, and replace each quarter of them by its mean.

    pixels: uint8 [H, W, 3], values 0..255, sides multiples of `sub_block` (pixels). Returns a new array of the same
    shape: the darkest quarter first, in raster order; means are rounded to the nearest integer, halves up. The channels
    of a sub-block are then ordered by their sums, ties by their values, so their names are gone. Of n = s*s values
    quarter q holds those from floor(q n / 4) up to floor((q + 1) n / 4).

    It is a function of the canonical form (section 1.1), so it reveals no more, and blind to the same keys. Raises
    InvalidImage for other arrays or sides, UsageError for other sizes.
    """
    check_sub_block(sub_block, sub_block)
    pixels = check_pixels(pixels, sub_block)
    height, width = pixels.shape[:2]
    kernels = engine.kernels("sort_kernels", height * width)
    if kernels is None:
        return reference.quartiles(pixels, sub_block)
    out = np.empty_like(pixels)

    def work(start: int, stop: int) -> None:
        for top in range(start * sub_block, stop * sub_block, sub_block):
            ends = (flat(image[top : top + sub_block], sub_block) for image in (pixels, out))
            kernels.sort_row(*ends, width, sub_block, sub_block, True, True)

    engine.over_rows(work, height // sub_block, height * width)
    return out


class SubBlockQuartiles(Cipher):
    """Sends the quartile means, at full size so that every model takes it."""

    name = "subblock-quartiles"
    keyed = "no"
    has_sub_blocks = True

    def encrypt_pixels(self, pixels: Pixels, key: Key | None, nonce: bytes | None) -> Pixels:
        """The quartile means of uint8 [H, W, 3]."""
        assert self.sub_block is not None
        return quartiles(pixels, self.sub_block)
