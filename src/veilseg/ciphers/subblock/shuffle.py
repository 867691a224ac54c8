"""subblock-shuffle: the channels of every sub-block shuffled, then the values of each channel, with keys of their own.

The cipher of [Hirose 2026]; spec/veil-3.md, section 4.1, fixes every byte.
"""

from __future__ import annotations

import os
import sys
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from veilseg.ciphers.base import Cipher, InputTransform
from veilseg.ciphers.grid import Pixels, check_pixels, cut_blocks, flat, join_blocks
from veilseg.ciphers.kernels import engine
from veilseg.ciphers.keystream import Keystream, Words
from veilseg.keys import Key

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

_ROWS = 2  # rows of blocks in one call of the kernel: more would leave the processor's cache


def shuffle_pixels(pixels: Pixels, subkey: bytes, block: int, sub_block: int, *, inverse: bool = False) -> Pixels:
    """Encrypt (or with inverse=True decrypt) with the keystreams of a 32-byte subkey.

    Stream r of the subkey serves the r-th row of blocks, and is drawn from block by block, left to right: for every
    sub-block in raster order a Fisher-Yates shuffle of its three channels, then one of the values of each channel.
    Swaps run upwards, from i = 1; two draws share a word of the stream. Every permutation is exactly equally likely
    under a uniform subkey.

    Args:
        pixels: uint8 [H, W, 3], sides multiples of `block`.
        subkey: 32 bytes.
        block: side in pixels.
        sub_block: side in pixels, a divisor of `block`.
        inverse: undo the shuffle.

    Returns:
        A new array of the same shape.

    Raises:
        InvalidImageError: for other arrays or sides.
    """
    pixels = check_pixels(pixels, block)
    out = np.empty_like(pixels)
    kernels = engine.kernels("shuffle", pixels.shape[0] * pixels.shape[1])
    kernel = None
    if kernels is not None and sys.byteorder == "little":  # the kernel reads two words as one number
        kernel = kernels.shuffle_rows(sub_block if sub_block in (4, 8, 16) else 0, inverse)
    blocks = pixels.shape[1] // block
    bounds = block_bounds(block, sub_block)
    words = blocks * bounds.shape[1]
    words += 16 + words // 512 * 2  # some may have to be dropped
    words += -words % 4  # whole counter blocks

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
                to[:] = reference_row(source, pair_draws(keystream, row, blocks, bounds), block, sub_block, inverse)
                row += 1
                continue
            ends = (flat(source, sub_block), to.reshape(-1)) if inverse else (flat(to, sub_block), source.reshape(-1))
            done = kernel(*ends, block, sub_block, bounds, keystream.rows(row, rows, count))
            row, count = row + done, words if done else 2 * count
        idle.append(keystream)

    engine.over_rows(work, pixels.shape[0] // block, pixels.shape[0] * pixels.shape[1])
    return out


@cache
def block_bounds(block: int, sub_block: int) -> Words:
    """What the draws of one block need, two by two: uint32 [3, pairs], an even number of pairs, read-only.

    The bound of a pair's first draw, of its second, and 2**32 mod their product: the threshold of `Keystream.accepted`.
    """
    channel = np.arange(2, sub_block * sub_block + 1)
    whole = np.tile(np.concatenate([[2, 3], channel, channel, channel]), (block // sub_block) ** 2)
    first, second = np.concatenate([whole, np.ones(-len(whole) % 4, int)]).reshape(-1, 2).T
    bounds = np.array([first, second, 2**32 % (first * second)], np.uint32)
    bounds.flags.writeable = False
    return bounds


def pair_draws(keystream: Keystream, row: int, blocks: int, bounds: Words) -> NDArray[np.int64]:
    """The draws of a row of blocks, int64 [blocks, 2 * pairs]: two below a and b are one below a * b, taken apart."""
    first, second, _ = bounds
    both = keystream.draw(row, np.tile(first * second, blocks)).reshape(blocks, -1)
    return np.stack(np.divmod(both, second), axis=-1).reshape(blocks, -1)


def reference_row(band: Pixels, draws: NDArray[np.int64], block: int, sub_block: int, inverse: bool) -> Pixels:
    """One row of blocks, uint8 [block, W, 3], in plain NumPy; draws as from `pair_draws`."""
    blocks, across, values = band.shape[1] // block, block // sub_block, sub_block * sub_block
    each = 2 + 3 * (values - 1)
    drawn = draws[:, : across**2 * each].reshape(blocks, across**2, 1, each)
    order, swaps = drawn[..., :2], drawn[..., 2:].reshape(blocks, across**2, 3, values - 1)
    # [blocks, sub-blocks, channels, values], a copy
    squares = cut_blocks(band, block).reshape(blocks, 3, across, sub_block, across, sub_block)
    state = squares.transpose(0, 2, 4, 1, 3, 5).reshape(blocks, across**2, 3, values).copy()
    steps = [(state.swapaxes(2, 3), order), (state, swaps)]
    for target, chosen in reversed(steps) if inverse else steps:
        _swap(target, chosen, inverse)
    back = state.reshape(blocks, across, across, 3, sub_block, sub_block).transpose(0, 3, 1, 4, 2, 5)
    return join_blocks(back.reshape(blocks, -1), band.shape, block)


def _swap(state: NDArray[Any], draws: NDArray[np.int64], inverse: bool) -> None:
    """Fisher-Yates along the last axis of state [..., k, n], in place; draws [..., k or 1, n - 1]."""
    steps = range(1, state.shape[-1])
    for i in reversed(steps) if inverse else steps:
        j = np.broadcast_to(draws[..., i - 1], state.shape[:-1])[..., None]
        last = state[..., i].copy()
        state[..., i] = np.take_along_axis(state, j, axis=-1)[..., 0]
        np.put_along_axis(state, j, last[..., None], axis=-1)


class SubBlockShuffle(Cipher):
    """Independent keys for every image, block and sub-block."""

    name = "subblock-shuffle"

    def encrypt_pixels(self, pixels: Pixels, key: Key | None, nonce: bytes | None) -> Pixels:
        """Shuffle uint8 [H, W, 3] under the key's subkey for this nonce; without a key, under one that is forgotten."""
        return self._shuffle(pixels, os.urandom(32) if key is None else self._subkey(key, nonce))

    def decrypt_pixels(self, pixels: Pixels, key: Key, nonce: bytes | None) -> Pixels:
        """Undo the shuffle."""
        return self._shuffle(pixels, self._subkey(key, nonce), inverse=True)

    def _input_transform(self, key: Key | None) -> InputTransform:
        """Equally likely permutations from torch's generator, so that a run can be repeated.

        They belong to the creator, who has the plain images anyway, and protect nobody.
        """
        return self._shuffled

    def _shuffled(self, images: Tensor, seeds: Sequence[int]) -> Tensor:
        from veilseg.ciphers.subblock import tensors

        return tensors.shuffle(images, self.spec.cell, seeds)

    def _subkey(self, key: Key, nonce: bytes | None) -> bytes:
        if nonce is None:
            raise ValueError("a key needs the image's nonce")
        return key.derive(self.name, nonce)

    def _shuffle(self, pixels: Pixels, subkey: bytes, *, inverse: bool = False) -> Pixels:
        return shuffle_pixels(pixels, subkey, self.spec.block, self.spec.cell, inverse=inverse)
