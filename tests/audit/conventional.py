"""The conventional ciphers of [P2] Table 2 in a few lines of NumPy, as section 2.1 defines them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from veilseg.ciphers.grid import cut_blocks, join_blocks


def negative(image: NDArray[np.uint8], block: int, seed: int) -> NDArray[np.uint8]:
    """NP: at a keyed half of the positions 255 - x."""
    blocks = cut_blocks(image, block)
    blocks[:, half(blocks.shape[1], seed)] ^= 255
    return join_blocks(blocks, image.shape, block)


def substituted(image: NDArray[np.uint8], block: int, seed: int) -> NDArray[np.uint16]:
    """FFX: at a keyed half of the positions one keyed injection of 0..255 into 0..999."""
    table = np.random.default_rng(seed + 1).permutation(1000)[:256].astype(np.uint16)
    blocks = cut_blocks(image, block).astype(np.uint16)
    chosen = half(blocks.shape[1], seed)
    blocks[:, chosen] = table[blocks[:, chosen]]
    return join_blocks(blocks, image.shape, block)


def half(length: int, seed: int) -> NDArray[np.int64]:
    """The keyed half of `length` positions."""
    return np.random.default_rng(seed).permutation(length)[: length // 2]
