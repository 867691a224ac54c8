"""The sub-block cipher of [P1] on arrays: shuffle the pixels of every sub-block, then its channels."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

from veilseg.ciphers import engine
from veilseg.ciphers.grid import (
    Pixels,
    check_options,
    check_pixels,
    check_sub_block,
    cut_regions,
    join_regions,
)
from veilseg.ciphers.image import Cipher
from veilseg.ciphers.keystream import Keystream, Words, descending
from veilseg.keys import Key
from veilseg.parameters import Channels, Shuffle


def shuffle_pixels(
    pixels: Pixels,
    subkey: bytes,
    block: int,
    sub_block: int,
    channels: Channels = "sub-block",
    shuffle: Shuffle = "channel",
    *,
    inverse: bool = False,
) -> Pixels:
    """Encrypt (or with inverse=True decrypt) with the keystreams of a 32-byte subkey.

    pixels: uint8 [H, W, 3], sides multiples of `block`. Returns a new array of the same shape. Stream r of the subkey
    serves the r-th row of blocks, and is drawn from block by block, left to right: for every sub-block in raster order
    a Fisher-Yates shuffle of its pixels per channel (shuffle="channel") or once for all channels ("shared"), then with
    channels="sub-block" one of the three channels; with channels="block" that one follows the block's last sub-block.
    A permutation p acts as out[i] = in[p[i]]; the pixels are shuffled before the channels.

    Every permutation is exactly equally likely under a uniform subkey. Raises InvalidImage for other arrays or sides,
    UsageError for other sizes or options.
    """
    check_sub_block(block, sub_block)
    check_options(channels, shuffle)
    pixels = check_pixels(pixels, block)
    out = np.empty_like(pixels)
    kernels = engine.kernels("shuffle_kernels", pixels.shape[0] * pixels.shape[1])
    bounds = row_bounds(pixels.shape[1] // block, block, sub_block, channels, shuffle)
    of_block = row_bounds(1, block, sub_block, channels, shuffle)
    flat, flat_out = pixels.reshape(len(pixels), -1), out.reshape(len(out), -1)
    mode = {"none": 0, "block": 1, "sub-block": 2}[channels]

    def work(start: int, stop: int) -> None:
        keystream = Keystream(subkey)
        for row in range(start, stop):
            band = slice(row * block, (row + 1) * block)
            if kernels is None:
                words = keystream.accepted(row, bounds)
                out[band] = reference_row(pixels[band], words, block, sub_block, channels, shuffle, inverse)
                continue
            fixed = (flat[band], flat_out[band], block, sub_block, shuffle == "shared", mode, inverse, of_block)
            if kernels.shuffle_row(*fixed, keystream.words(row, len(bounds))):  # a word may have to be dropped
                kernels.shuffle_row(*fixed, keystream.accepted(row, bounds))

    engine.over_rows(work, pixels.shape[0] // block, pixels.shape[0] * pixels.shape[1])
    return out


def row_bounds(blocks: int, block: int, sub_block: int, channels: str, shuffle: str) -> Words:
    """The bounds of all draws for one row of `blocks` blocks, in order: uint32."""
    one = np.tile(descending(sub_block * sub_block), 1 if shuffle == "shared" else 3)
    order = descending(3)
    if channels == "sub-block":
        one = np.concatenate([one, order])
    whole = np.tile(one, (block // sub_block) ** 2)
    if channels == "block":
        whole = np.concatenate([whole, order])
    return np.tile(whole, blocks)


def reference_row(
    band: Pixels, words: Words, block: int, sub_block: int, channels: str, shuffle: str, inverse: bool
) -> Pixels:
    """One row of blocks, uint8 [block, W, 3], in plain NumPy; `words` are the accepted words of its draws."""
    width = band.shape[1]
    blocks, subs, values = width // block, (block // sub_block) ** 2, sub_block * sub_block
    regions = cut_regions(band, block, sub_block)
    shuffles = 1 if shuffle == "shared" else 3
    swapping, tail = shuffles * (values - 1), 2 if channels == "block" else 0
    each = swapping + (2 if channels == "sub-block" else 0)
    table = words.reshape(blocks, subs * each + tail)
    inner = table[:, : subs * each].reshape(blocks, subs, each)
    swaps = inner[:, :, :swapping].reshape(blocks, subs, shuffles, values - 1)
    # [blocks, sub-blocks, channels, values], always a copy: of one pixel, a view would be the image itself
    state = regions.transpose(0, 2, 1, 3).copy()
    if channels == "block":
        order = table[:, subs * each :].reshape(blocks, 1, 1, tail).repeat(subs, axis=1)
    else:
        order = inner[:, :, swapping:].reshape(blocks, subs, 1, each - swapping)
    if inverse and channels != "none":
        _swap(state.swapaxes(2, 3), order, inverse)
    _swap(state, swaps, inverse)
    if not inverse and channels != "none":
        _swap(state.swapaxes(2, 3), order, inverse)
    return join_regions(state.transpose(0, 2, 1, 3), band.shape, block, sub_block)


def _swap(state: NDArray[Any], words: Words, inverse: bool) -> None:
    """Fisher-Yates along the last axis of state [..., k, n], in place; words [..., k or 1, n - 1]."""
    count = state.shape[-1]
    steps = range(count - 1, 0, -1)
    for i in reversed(steps) if inverse else steps:
        bound = np.uint64(i + 1)
        j = (words[..., count - 1 - i] * bound >> np.uint64(32)).astype(np.int64)
        j = np.broadcast_to(j, state.shape[:-1])[..., None]
        last = state[..., i].copy()
        state[..., i] = np.take_along_axis(state, j, axis=-1)[..., 0]
        np.put_along_axis(state, j, last[..., None], axis=-1)


class SubBlockShuffle(Cipher):
    """The cipher of [P1]: independent keys for every image, block and sub-block."""

    name = "subblock-shuffle"
    keyed = "optional"
    has_sub_blocks = True
    has_options = True

    def encrypt_pixels(self, pixels: Pixels, key: Key | None, nonce: bytes | None) -> Pixels:
        """Shuffle uint8 [H, W, 3] under the key's subkey for this nonce; without a key, under one that is forgotten."""
        return self._shuffle(pixels, os.urandom(32) if key is None else self._subkey(key, nonce), inverse=False)

    def decrypt_pixels(self, pixels: Pixels, key: Key, nonce: bytes | None) -> Pixels:
        """Undo the shuffle."""
        return self._shuffle(pixels, self._subkey(key, nonce), inverse=True)

    def _subkey(self, key: Key, nonce: bytes | None) -> bytes:
        assert nonce is not None
        return key.derive(self.name, nonce)

    def _shuffle(self, pixels: Pixels, subkey: bytes, *, inverse: bool) -> Pixels:
        assert self.sub_block is not None
        return shuffle_pixels(pixels, subkey, self.block, self.sub_block, **self.options, inverse=inverse)
