"""The canonical form C: what is left of an image when the keys of the sub-block cipher are forgotten."""

from __future__ import annotations

import numpy as np

from veilseg.ciphers import engine, reference
from veilseg.ciphers.grid import Pixels, check_options, check_pixels, check_sub_block, flat
from veilseg.ciphers.image import Cipher
from veilseg.keys import Key
from veilseg.parameters import Channels, Shuffle


def canonicalize(
    pixels: Pixels, block: int, sub_block: int, channels: Channels = "sub-block", shuffle: Shuffle = "channel"
) -> Pixels:
    """Sort the values of every sub-block and order its channels, so that C(Enc_k(x)) = C(x) for every key k.

    pixels: uint8 [H, W, 3], values 0..255, sides multiples of `block`. Returns a new array of the same shape.
    `block` and `sub_block` are in pixels; `sub_block` divides `block`. The options are those of the cipher [P1]:

    - channels="sub-block": the channels of every sub-block are ordered by their sums, ties by their sorted values;
      "block": one order for all sub-blocks of a block, by sums over the block, ties by the sorted values of its
      sub-blocks in raster order; "none": the channels keep their places.
    - shuffle="channel": every channel is sorted by itself; "shared": the channels are ordered as above, then whole
      pixels are sorted lexicographically. Channels with equal sorted values take the order that gives the
      lexicographically smallest result.

    Raises InvalidImage for other arrays or sides, UsageError for other sizes or options.
    """
    check_sub_block(block, sub_block)
    check_options(channels, shuffle)
    pixels = check_pixels(pixels, block)
    kernels = engine.kernels("kernels", pixels.shape[0] * pixels.shape[1])
    if kernels is None:
        return reference.canonicalize(pixels, block, sub_block, channels, shuffle)
    out = np.empty_like(pixels)
    quick = engine.kernels("sort_kernels", 0)
    region = block if channels == "block" else sub_block

    def sort_alone(start: int, stop: int) -> None:
        assert quick is not None
        for top in range(start * block, stop * block, block):
            ends = (flat(image[top : top + block], sub_block) for image in (pixels, out))
            quick.sort_row(*ends, pixels.shape[1], block, sub_block, channels == "sub-block", False)

    def sort_each(start: int, stop: int) -> None:
        kernels.sort_channels(pixels, out, start * block, stop * block, sub_block)
        kernels.reorder_channels(out, start * block, stop * block, region, sub_block)

    def sort_shared(start: int, stop: int) -> None:
        for top in range(start * block, stop * block, block):
            rows = (top, top + block)
            if channels == "none":
                kernels.sort_pixels(pixels, out, *rows, sub_block)
                continue
            kernels.sort_channels(pixels, out, *rows, sub_block)
            if kernels.gather_channels(pixels, out, *rows, region, sub_block):  # rare: several orders have to be tried
                band = slice(*rows)
                out[band] = reference.canonicalize(pixels[band], block, sub_block, channels, shuffle)
            else:
                kernels.sort_pixels(out, out, *rows, sub_block)

    alone = sort_each if channels == "block" else sort_alone
    work = sort_shared if shuffle == "shared" else alone
    engine.over_rows(work, pixels.shape[0] // block, pixels.shape[0] * pixels.shape[1])
    return out


class SubBlockSort(Cipher):
    """Sends the canonical form itself: what uniform, forgotten keys would reveal, and nothing else."""

    name = "subblock-sort"
    keyed = "no"
    has_sub_blocks = True
    has_options = True

    def encrypt_pixels(self, pixels: Pixels, key: Key | None, nonce: bytes | None) -> Pixels:
        """The canonical form of uint8 [H, W, 3]."""
        assert self.sub_block is not None
        return canonicalize(pixels, self.block, self.sub_block, **self.options)
