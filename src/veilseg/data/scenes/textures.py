"""Noise that surfaces, clouds and crowns are made of: a few large tiles, computed once, from which patches are cut.

Cutting is hundreds of times cheaper than computing noise for every scene. The tiles come from a fixed seed and integer
arithmetic, so that they are the same on every machine.
"""

from __future__ import annotations

import random
from functools import cache

import numpy as np
from PIL import Image

TILE = 1024

OCTAVES = {
    "grain": ((TILE, 3), (TILE // 2, 2), (TILE // 4, 2)),
    "rough": ((TILE // 2, 1), (TILE // 4, 2), (TILE // 8, 3), (TILE // 16, 2)),
    "cloud": ((TILE // 8, 1), (TILE // 16, 2), (TILE // 32, 4), (TILE // 64, 6), (TILE // 128, 8)),
}
"""Cells across the tile and weight of every layer: fine grain, coarse patches, clouds."""


@cache
def tile(kind: str) -> np.ndarray:
    """One tile as int16 [TILE, TILE], values around 0 and mostly within -128..127."""
    source = random.Random(f"veilseg scenes {kind}")
    total = np.zeros((TILE, TILE), dtype=np.int32)
    weights = 0
    for cells, weight in OCTAVES[kind]:
        layer = np.frombuffer(source.randbytes(cells * cells), dtype=np.uint8).reshape(cells, cells)
        grown = Image.fromarray(layer).resize((TILE, TILE), Image.Resampling.BICUBIC)
        total += weight * (np.asarray(grown, dtype=np.int32) - 128)
        weights += weight * weight
    # Independent layers add in the square: dividing by the root of the weights keeps the contrast of one layer.
    mixed: np.ndarray = (total // max(1, round(weights**0.5))).astype(np.int16)
    return mixed


@cache
def sensor_tile() -> np.ndarray:
    """Nearly Gaussian noise as int16 [TILE, TILE] with a standard deviation of 148: the sum of four bytes."""
    source = np.frombuffer(random.Random("veilseg scenes sensor").randbytes(4 * TILE * TILE), dtype=np.uint8)
    noise: np.ndarray = source.reshape(4, TILE, TILE).sum(axis=0, dtype=np.int16) - 510
    return noise


def patch(rng: random.Random, source: np.ndarray, height: int, width: int) -> np.ndarray:
    """A random [height, width] piece of a tile, repeated where it is larger than the tile."""
    tall, wide = source.shape
    if height > tall or width > wide:
        source = np.tile(source, (-(-height // tall), -(-width // wide)))
        tall, wide = source.shape
    top, left = rng.randrange(tall - height + 1), rng.randrange(wide - width + 1)
    return source[top : top + height, left : left + width]
