"""subblock-quartiles: of every channel of a sub-block four means, those of the quarters of its sorted values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from veilseg.ciphers.base import Cipher
from veilseg.ciphers.grid import Pixels, check_pixels
from veilseg.ciphers.kernels import engine
from veilseg.ciphers.subblock import reference
from veilseg.ciphers.subblock.bands import over_bands
from veilseg.keys import Key

if TYPE_CHECKING:
    from torch import Tensor


def quartiles(pixels: NDArray[Any], sub_block: int) -> Pixels:
    """Sort the values of every channel of every sub-block, and replace each quarter of them by its mean.

    It is a function of the canonical form (`canonicalize`), so it reveals no more, and is blind to the same keys.

    Args:
        pixels: uint8 [H, W, 3], values 0..255, sides multiples of `sub_block`.
        sub_block: side in pixels, at least 2.

    Returns:
        A new array of the same shape: the darkest quarter first, in raster order; of n = s*s values quarter q holds
        those from floor(q n / 4) up to floor((q + 1) n / 4), and its mean is rounded, halves up. The channels are then
        in the order of their sums, ties by their values.

    Raises:
        InvalidImageError: for other arrays or sides.
    """
    pixels = check_pixels(pixels, sub_block)
    kernels = engine.kernels("sort", pixels.shape[0] * pixels.shape[1])
    if kernels is None:
        return reference.quartiles(pixels, sub_block)
    out = np.empty_like(pixels)
    over_bands(lambda *band: kernels.sort_rows(*band, True), pixels, out, sub_block)
    return out


class SubBlockQuartiles(Cipher):
    """Sends the quartile means, at full size so that every model takes it."""

    name = "subblock-quartiles"

    def encrypt_pixels(self, pixels: Pixels, key: Key | None, nonce: bytes | None) -> Pixels:
        """The quartile means of uint8 [H, W, 3]."""
        return quartiles(pixels, self.spec.cell)

    def reduce(self, pixels: NDArray[Any]) -> Pixels:
        """The quartile means of stored pixels."""
        return quartiles(pixels, self.spec.cell)

    def reduce_tensor(self, images: Tensor) -> Tensor:
        """The quartile means of uint8 [N, 3, H, W]."""
        from veilseg.ciphers.subblock import tensors

        return tensors.quartiles(images, self.spec.cell)
