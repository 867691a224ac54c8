"""subblock-sort: the canonical form, what is left of an image when the keys of the shuffle are forgotten."""

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


def canonicalize(pixels: NDArray[Any], sub_block: int) -> Pixels:
    """Sort the values of every sub-block and order its channels, so that C(Enc_k(x)) = C(x) for every key k.

    Args:
        pixels: uint8 [H, W, 3], values 0..255, sides multiples of `sub_block`.
        sub_block: side in pixels.

    Returns:
        A new array of the same shape: in every sub-block, in raster order, the sorted values of each channel, the
        channels in the order of their sums, ties by their sorted values.

    Raises:
        InvalidImageError: for other arrays or sides.
    """
    pixels = check_pixels(pixels, sub_block)
    kernels = engine.kernels("sort", pixels.shape[0] * pixels.shape[1])
    if kernels is None:
        return reference.canonicalize(pixels, sub_block)
    out = np.empty_like(pixels)
    over_bands(lambda *band: kernels.sort_rows(*band, False), pixels, out, sub_block)
    return out


class SubBlockSort(Cipher):
    """Sends the canonical form itself: what uniform, forgotten keys would reveal, and nothing else."""

    name = "subblock-sort"

    def encrypt_pixels(self, pixels: Pixels, key: Key | None, nonce: bytes | None) -> Pixels:
        """The canonical form of uint8 [H, W, 3]."""
        return canonicalize(pixels, self.spec.cell)

    def reduce(self, pixels: NDArray[Any]) -> Pixels:
        """The canonical form of stored pixels, whichever key shuffled them."""
        return canonicalize(pixels, self.spec.cell)

    def reduce_tensor(self, images: Tensor) -> Tensor:
        """The canonical form of uint8 [N, 3, H, W]."""
        from veilseg.ciphers.subblock import tensors

        return tensors.canonicalize(images, self.spec.cell)
