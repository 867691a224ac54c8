"""The sub-block cipher of [P1] on arrays: shuffle the channels of every sub-block, then its pixels."""

from __future__ import annotations

import os
import sys
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
    flat,
    join_regions,
)
from veilseg.ciphers.image import Cipher
from veilseg.ciphers.keystream import Keystream, Words
from veilseg.keys import Key
from veilseg.parameters import Channels, Shuffle

_ROWS = 2  # rows of blocks in one call of the kernel: more would leave the processor's cache


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
    a Fisher-Yates shuffle of its three channels (channels="sub-block"; with "block" once, before the block's first
    sub-block), then one of its pixels for each of the channels (shuffle="channel") or for all at once ("shared").
    Swaps run upwards, from i = 1; two draws share a word of the stream.

    Every permutation is exactly equally likely under a uniform subkey. Raises InvalidImage for other arrays or sides,
    UsageError for other sizes or options.
    """
    check_sub_block(block, sub_block)
    check_options(channels, shuffle)
    pixels = check_pixels(pixels, block)
    out = np.empty_like(pixels)
    kernels = engine.kernels("shuffle_kernels", pixels.shape[0] * pixels.shape[1])
    kernel = None
    if kernels is not None and sys.byteorder == "little":  # the kernel reads two words as one number
        kernel = kernels.shuffle_rows(sub_block if sub_block in (4, 8, 16) else 0, inverse)
    blocks = pixels.shape[1] // block
    bounds = block_bounds(block, sub_block, channels, shuffle)
    words = blocks * bounds.shape[1]
    words += 16 + words // 512 * 2  # some may have to be dropped
    words += -words % 4  # whole counter blocks
    mode = {"none": 0, "block": 1, "sub-block": 2}[channels]

    idle: list[Keystream] = []  # their memory is used again by the next part: fresh pages cost

    def work(start: int, stop: int) -> None:
        try:
            keystream = idle.pop()
        except IndexError:  # asked beforehand, another thread might be quicker
            keystream = Keystream(subkey)
        row, count = start, words
        while row < stop:
            rows = 1 if kernel is None else min(stop - row, _ROWS)
            source, to = (image[row * block : (row + rows) * block] for image in (pixels, out))
            if kernel is None:
                draws = pair_draws(keystream, row, blocks, bounds)
                to[:] = reference_row(source, draws, block, sub_block, channels, shuffle, inverse)
                row += 1
                continue
            ends = (flat(source, sub_block), to.reshape(-1)) if inverse else (flat(to, sub_block), source.reshape(-1))
            fixed = (*ends, block, sub_block, shuffle == "shared", mode, bounds)
            done = kernel(*fixed, keystream.rows(row, rows, count))
            row, count = row + done, words if done else 2 * count
        idle.append(keystream)

    engine.over_rows(work, pixels.shape[0] // block, pixels.shape[0] * pixels.shape[1])
    return out


def block_bounds(block: int, sub_block: int, channels: str, shuffle: str) -> Words:
    """What the draws of one block need, two by two: uint32 [3, pairs], an even number of pairs.

    The bound of a pair's first draw, of its second, and 2**32 mod their product: the threshold of `Keystream.accepted`.
    """
    one = np.tile(np.arange(2, sub_block * sub_block + 1), 1 if shuffle == "shared" else 3)
    if channels == "sub-block":
        one = np.concatenate([[2, 3], one])
    whole = np.tile(one, (block // sub_block) ** 2)
    if channels == "block":
        whole = np.concatenate([[2, 3], whole])
    first, second = np.concatenate([whole, np.ones(-len(whole) % 4, int)]).reshape(-1, 2).T
    return np.array([first, second, 2**32 % (first * second)], np.uint32)


def pair_draws(keystream: Keystream, row: int, blocks: int, bounds: Words) -> NDArray[np.int64]:
    """The draws of a row of blocks, int64 [blocks, 2 * pairs]: two below a and b are one below a * b, taken apart."""
    first, second, _ = bounds
    both = keystream.draw(row, np.tile(first * second, blocks)).reshape(blocks, -1)
    return np.stack(np.divmod(both, second), axis=-1).reshape(blocks, -1)


def reference_row(
    band: Pixels, draws: NDArray[np.int64], block: int, sub_block: int, channels: str, shuffle: str, inverse: bool
) -> Pixels:
    """One row of blocks, uint8 [block, W, 3], in plain NumPy; draws as from `pair_draws`."""
    width = band.shape[1]
    blocks, subs, values = width // block, (block // sub_block) ** 2, sub_block * sub_block
    regions = cut_regions(band, block, sub_block)
    shuffles = 1 if shuffle == "shared" else 3
    ahead, own = 2 if channels == "block" else 0, 2 if channels == "sub-block" else 0
    each = own + shuffles * (values - 1)
    inner = draws[:, ahead : ahead + subs * each].reshape(blocks, subs, each)
    swaps = inner[:, :, own:].reshape(blocks, subs, shuffles, values - 1)
    order = inner[:, :, None, :own] if own else draws[:, None, None, :ahead].repeat(subs, axis=1)
    # [blocks, sub-blocks, channels, values], always a copy: of one pixel, a view would be the image itself
    state = regions.transpose(0, 2, 1, 3).copy()
    if inverse:
        _swap(state, swaps, inverse)
    if channels != "none":
        _swap(state.swapaxes(2, 3), order, inverse)
    if not inverse:
        _swap(state, swaps, inverse)
    return join_regions(state.transpose(0, 2, 1, 3), band.shape, block, sub_block)


def _swap(state: NDArray[Any], draws: NDArray[np.int64], inverse: bool) -> None:
    """Fisher-Yates along the last axis of state [..., k, n], in place; draws [..., k or 1, n - 1]."""
    steps = range(1, state.shape[-1])
    for i in reversed(steps) if inverse else steps:
        j = np.broadcast_to(draws[..., i - 1], state.shape[:-1])[..., None]
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
