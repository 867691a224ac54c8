"""Traces of JPEG: a cell of 8 x 8 pixels that was one block of a JPEG is looked up by its sorted values.

JPEG rounds a block's frequencies to multiples of known steps; most are zero then. Blocks of few frequencies can be
listed beforehand, with their sorted values. Mirrored blocks have the same ones; the neighbours' means choose.
Not one of the audit's attacks on a folder: its photographs are reduced. bench/jpeg.py measures it.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations, product

import numpy as np
from numpy.typing import NDArray

from veilseg.audit.attacks.rank_placement import squares
from veilseg.audit.base import Stored
from veilseg.audit.picture import enlarge_means, grey, visible
from veilseg.ciphers import Cipher, canonical_cipher

SIDE = 8
LISTED = ((1, 63, 24), (2, 63, 6), (3, 20, 3), (4, 12, 2))
"""Frequencies a block, of how many of the lowest, to how many steps: what is listed."""
PART = 100_000
"""Blocks that are made at once: bounds the memory."""
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Table:
    """Blocks by a hash of their sorted values.

    Attributes:
        keys: uint64 [n], rising.
        blocks: int16 [n, 64], row by row, around 0.
    """

    keys: NDArray[np.uint64]
    blocks: NDArray[np.int16]


@dataclass(frozen=True)
class Recovered:
    """What was found.

    Attributes:
        greys: of every cell as sent, its pixels' grey means, float64 [h, w, s * s], row by row; nan: not known.
        flat: which cells have one value alone, bool [h, w]: known without any attack.
    """

    greys: NDArray[np.float64]
    flat: NDArray[np.bool_]


def list_blocks(steps: Ints) -> Table:
    """All blocks of few frequencies under a JPEG's luminance table, int64 [8, 8], by rows of vertical frequency."""
    waves = _waves() * steps[:, :, None, None]
    waves = waves.reshape(64, 64)
    order = sorted(range(1, 64), key=lambda i: (i // 8 + i % 8, i))
    base = np.unique(np.arange(8) * int(steps[0, 0]) % 8) / 8  # what a block's mean leaves beside whole numbers
    keys, blocks = [], []
    for count, lowest, most in LISTED:
        factors = np.array(list(product([n for n in range(-most, most + 1) if n], repeat=count)), np.float64)
        chosen = np.array(list(combinations(order[:lowest], count)))
        for part in np.array_split(chosen, max(1, len(chosen) * len(factors) // PART)):
            exact = np.einsum("fk,ckp->cfp", factors, waves[part]).reshape(-1, 64)
            exact = exact[np.abs(exact).max(axis=1) < 255]  # others are no pictures
            for shift in base:
                made = np.floor(exact + shift + 0.5).astype(np.int16)
                keys.append(_keys(np.sort(made, axis=1)))
                blocks.append(made)
    found, listed = np.concatenate(keys), np.concatenate(blocks)
    rising = np.argsort(found, kind="stable")
    return Table(found[rising], listed[rising])


def recover(cipher: Cipher, stored: Stored, table: Table) -> Recovered:
    """The pixels of every cell that the table knows, and of those with one value alone.

    A cell is looked up where its channels differ by one number each: its colour is the same everywhere.
    """
    side = cipher.spec.cell
    pixels = canonical_cipher(cipher).reduce(visible(stored))
    channels = np.stack([np.sort(squares(pixels[..., n], side), axis=2) for n in range(3)])
    sorted_greys = channels.mean(axis=0)
    shapes = channels - channels[..., :1]
    flat = np.asarray((shapes == 0).all(axis=(0, 3)))
    greys = np.where(flat[..., None], sorted_greys, np.nan)
    if side != SIDE:
        return Recovered(greys, flat)
    guide = squares(enlarge_means(sorted_greys.mean(axis=2), side), side)
    one_colour = (shapes == shapes[:1]).all(axis=(0, 3)) & ~flat
    for row, column in np.argwhere(one_colour):
        block = _look_up(shapes[0, row, column].astype(np.int16), guide[row, column], table)
        if block is not None:
            greys[row, column] = sorted_greys[row, column, 0] + block - block.min()
    return Recovered(greys, flat)


def exact(found: Recovered, truth: NDArray[np.uint8], side: int) -> NDArray[np.bool_]:
    """Which cells are right to the pixel, of uint8 [H, W, 3] of whole cells: bool [h, w]."""
    return np.asarray((np.abs(found.greys - squares(grey(truth), side)) < 1e-6).all(axis=2))


def _look_up(shape: NDArray[np.int16], guide: NDArray[np.float64], table: Table) -> NDArray[np.int16] | None:
    """The block of these sorted values, from 0 up, that goes best with the guide."""
    key = _keys(shape[None])[0]
    first, last = (int(np.searchsorted(table.keys, key, where)) for where in ("left", "right"))
    if first == last:
        return None
    blocks = table.blocks[first:last]
    fit: NDArray[np.float64] = blocks.astype(np.float64) @ (guide - guide.mean())
    return np.asarray(blocks[int(fit.argmax())])


def _keys(rising: NDArray[np.int16]) -> NDArray[np.uint64]:
    """A hash of values [n, 64] in rising order, whatever is added to all of them."""
    numbers = np.random.default_rng(0).integers(1, 2**63, 64, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
    from_zero = (rising - rising[:, :1]).astype(np.uint64)
    return np.asarray((from_zero * numbers).sum(axis=1, dtype=np.uint64))


def _waves() -> NDArray[np.float64]:
    """The cosines of JPEG, [8, 8, 8, 8]: of vertical and horizontal frequency, the pixels' values for one step."""
    place = (2 * np.arange(8) + 1) * np.pi / 16
    lines = np.cos(place * np.arange(8)[:, None]) * np.where(np.arange(8) == 0, np.sqrt(1 / 8), 0.5)[:, None]
    return np.asarray(lines[:, None, :, None] * lines[None, :, None, :])
