"""Stored pixels with sides on the network's grid, put together only where they are looked at."""

from __future__ import annotations

import numpy as np


class Padded:
    """Pixels [H, W, 3] as if they were larger: `shape` says how large, `padded[y0:y1, x0:x1]` gives a part of them.

    Nothing as large as the image is made: of a large one only windows are ever asked for.
    """

    def __init__(self, pixels: np.ndarray, step: int, block: int, least: tuple[int, int] = (1, 1)) -> None:
        """Sides up to multiples of `step`, at least `least` (height, width).

        Pixels of their own (`block` 1) are mirrored. The inside of an encrypted block cannot be, so the last row and
        column of blocks are repeated; only what is missing of a block itself is mirrored, as the ciphers pad.
        """
        self._pixels = pixels
        self._rows, self._columns = (
            _places(length, step, block, low) for length, low in zip(pixels.shape[:2], least, strict=True)
        )
        self.shape = (len(self._rows), len(self._columns), *pixels.shape[2:])

    def __getitem__(self, part: tuple[slice, slice]) -> np.ndarray:
        """A rectangle of the padded pixels: a view where it lies inside the image, else a copy."""
        rows, columns = self._rows[part[0]], self._columns[part[1]]
        if all(len(places) and (np.diff(places) == 1).all() for places in (rows, columns)):
            return self._pixels[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        return np.asarray(self._pixels[np.ix_(rows, columns)])


def _places(length: int, step: int, block: int, least: int) -> np.ndarray:
    """For every position along a padded side the pixel that stands there."""
    side = max(-(-length // step) * step, least)
    filled = side if block == 1 else -(-length // block) * block
    mirrored = np.pad(np.arange(length), (0, filled - length), "reflect")
    beyond = np.arange(filled, side)  # takes the pixel at the same place in the last block
    return np.concatenate([mirrored, mirrored[filled - block + beyond % block]])
