"""What a reader sees of a character: the cells around it, the same in the character's own measure, and its place."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from veilseg.audit.base import Stored
from veilseg.audit.lines import CharacterPositions
from veilseg.audit.picture import visible
from veilseg.ciphers import Cipher, canonical_cipher

REACH = 2
"""Cells around the one that holds the character's middle: a window of 5 x 5."""

GRID = 9
"""Points a side at which cells are read in the character's own measure: over two pitches and one and a half heights."""

PLACE = 7
"""Numbers that say where the character is: in its cell (2), its height and pitch in cells, slope, side, contrast."""

Floats = NDArray[np.float32]


STEPS = 16
"""Means of a cell's sorted grey values, from dark to light: of equal parts of them, or of the few that there are."""

INPUTS = (STEPS + 3) * (2 * REACH + 1) ** 2 + 3 * GRID * GRID + PLACE
"""Numbers a character: the window's, the grid's (of the darkest, middle and lightest step), the place's."""

MECHANISMS = ("sort", "quantiles", "mean")
"""Of the canonical or reduced forms that are read: one reader for all, since what one sends follows from the other."""


def is_read(cipher: Cipher) -> bool:
    """Whether the reader reads this cipher's images."""
    return cipher.facts.sub_blocks and canonical_cipher(cipher).facts.mechanism in MECHANISMS


def cells(cipher: Cipher, stored: Stored) -> Floats:
    """Every cell's values, float32 [rows, columns, STEPS + 3], 0..255: steps of the grey, then the channels' means.

    Of the mosaic all steps are equal. A shuffled image is sorted first, as anybody can.
    """
    side = cipher.spec.cell
    pixels = canonical_cipher(cipher).reduce(visible(stored))
    rows, columns = pixels.shape[0] // side, pixels.shape[1] // side
    squares = pixels.reshape(rows, side, columns, side, 3).transpose(0, 2, 1, 3, 4)
    values = squares.reshape(rows, columns, side * side, 3)
    grey = (values[..., 0].astype(np.float32) + values[..., 1] + values[..., 2]) / 3
    means = values.mean(axis=2, dtype=np.float32)
    return np.concatenate([_steps(grey), means], axis=2)


def _steps(grey: Floats) -> Floats:
    """Means of STEPS equal parts of sorted values [rows, columns, n]; of fewer values the nearest ones."""
    count = grey.shape[2]
    starts = (np.arange(STEPS) * count) // STEPS
    if count < STEPS:
        return grey[:, :, starts]
    return np.asarray(np.add.reduceat(grey, starts, axis=2) / np.diff([*starts, count]), np.float32)


def coarser(grid: Floats) -> Floats:
    """What cells twice as large would be, from `cells`: [rows, columns, C] to [ceil(rows / 2), ceil(columns / 2), C].

    Four cells' steps are sorted into one's; nearly what the cipher would send, and enough for letters of many cells.
    """
    grid = np.pad(grid, ((0, grid.shape[0] % 2), (0, grid.shape[1] % 2), (0, 0)), mode="edge")
    four = np.stack([grid[y::2, x::2] for y in (0, 1) for x in (0, 1)], axis=-1)
    steps, means = four[:, :, :STEPS], four[:, :, STEPS:]
    merged = np.sort(steps.reshape(*steps.shape[:2], -1), axis=2)
    return np.concatenate([_steps(merged), means.mean(axis=-1)], axis=2)


def describe(grid: Floats, place: CharacterPositions, side: int) -> Floats:
    """The inputs of a reader for every character of a line: float32 [n, INPUTS], about -1..1.

    Args:
        grid: what `cells` gave.
        place: where the characters are.
        side: of a cell in pixels.
    """
    shades = grid[:, :, [0, STEPS // 2, STEPS - 1]]
    centres = place.centres / side
    home = np.floor(centres).astype(int)
    near = np.arange(-REACH, REACH + 1)
    last = np.array(grid.shape[:2]) - 1
    ys = np.clip(home[:, 1, None] + near, 0, last[0])
    xs = np.clip(home[:, 0, None] + near, 0, last[1])
    window = grid[ys[:, :, None], xs[:, None, :]]
    own = sample(shades, _own_points(place, side))
    low, high = own.min(), own.max()
    contrast = max(float(high - low), 4.0)
    middle = (float(high) + float(low)) / 2
    height, pitch = np.log2(place.height / side), np.log2(max(place.pitch / side, 1e-3))
    along = place.centres[-1] - place.centres[0]
    slope = 0.0 if len(place.centres) < 2 else float(np.arctan2(along[1], along[0]))
    shared = [height, pitch, 10 * slope, np.log2(side / 8), np.log2(contrast / 64)]
    where = np.concatenate([centres - home - 0.5, np.tile(shared, (len(centres), 1))], axis=1)
    count = len(centres)
    seen = np.concatenate([window.reshape(count, -1), own.reshape(count, -1)], axis=1)
    return np.concatenate([np.clip(2 * (seen - middle) / contrast, -2, 2), where], axis=1).astype(np.float32)


def _own_points(place: CharacterPositions, side: int) -> NDArray[np.float64]:
    """In cells, float64 [n, GRID, GRID, 2]: across 2 pitches, up and down 1.5 heights, along the line's direction."""
    share = np.linspace(-1, 1, GRID)
    along = place.centres[-1] - place.centres[0]
    length = float(np.hypot(*along))
    right = along / length if length else np.array([1.0, 0.0])
    down = np.array([-right[1], right[0]])
    across = share[None, :, None] * right * place.pitch + share[:, None, None] * down * place.height * 0.75
    return np.asarray((place.centres[:, None, None] + across) / side)


def sample(values: Floats, points: NDArray[np.float64]) -> Floats:
    """`values` [rows, columns, C] between the cells' middles, linear: float32 [n, GRID, GRID, C]."""
    last = np.array(values.shape[1::-1]) - 1
    exact = np.clip(points - 0.5, 0, last)
    first = np.minimum(exact.astype(int), np.maximum(last - 1, 0))
    share = (exact - first).astype(np.float32)[..., None]
    x, y = first[..., 0], first[..., 1]
    right, below = np.minimum(x + 1, last[0]), np.minimum(y + 1, last[1])
    across, down = share[..., 0, :], share[..., 1, :]
    top = values[y, x] * (1 - across) + values[y, right] * across
    bottom = values[below, x] * (1 - across) + values[below, right] * across
    return np.asarray(top * (1 - down) + bottom * down, np.float32)
