"""mosaic: the yardstick that every cipher is measured against, because it gives away only the sub-block means."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from veilseg.ciphers.base import Cipher
from veilseg.ciphers.grid import Pixels, check_pixels
from veilseg.ciphers.kernels import engine
from veilseg.ciphers.subblock import reference
from veilseg.keys import Key

if TYPE_CHECKING:
    from torch import Tensor


def mosaic(pixels: NDArray[Any], sub_block: int) -> Pixels:
    """Fill every sub-block with the mean of each channel, rounded to the nearest integer (halves up).

    pixels: uint8 [H, W, 3], sides multiples of `sub_block` (pixels). Returns a new array of the same shape. Raises
    InvalidImageError for other arrays or sides.
    """
    pixels = check_pixels(pixels, sub_block)
    height, width = pixels.shape[:2]
    kernels = engine.kernels("mosaic", height * width)
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

    def encrypt_pixels(self, pixels: Pixels, key: Key | None, nonce: bytes | None) -> Pixels:
        """The mosaic of uint8 [H, W, 3]."""
        return mosaic(pixels, self.spec.cell)

    def reduce(self, pixels: NDArray[Any]) -> Pixels:
        """The mosaic of stored pixels."""
        return mosaic(pixels, self.spec.cell)

    def reduce_tensor(self, images: Tensor) -> Tensor:
        """The mosaic of uint8 [N, 3, H, W]."""
        from veilseg.ciphers.subblock import tensors

        return tensors.mosaic(images, self.spec.cell)
