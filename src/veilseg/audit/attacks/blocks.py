"""Encrypted images as matrices of blocks, and blocks as images again under a guessed key."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from veilseg.audit.base import Pixels, Stored
from veilseg.audit.picture import as_pixels
from veilseg.ciphers.grid import cut_blocks, join_blocks
from veilseg.ciphers.patch.rotation import MIDDLE, rotation_scale


def block_grid(stored: Stored, block: int) -> NDArray[Any]:
    """[H, W, 3] as [rows, columns, L]: the blocks in their places, flattened as the ciphers do."""
    height, width = stored.shape[:2]
    return cut_blocks(stored, block).reshape(height // block, width // block, -1)


def undo_order(stored: Stored, order: NDArray[np.int64], block: int) -> Pixels:
    """The image [H, W, 3] if `order` were the key: b = b_hat[argsort(order)]."""
    return join_blocks(cut_blocks(stored, block)[:, np.argsort(order)], stored.shape, block)


def rotated_values(stored: Stored, block: int) -> NDArray[np.float64]:
    """The blocks of an image of patch-rotation on the scale of pixels: float64 [blocks, L], around 0."""
    return (cut_blocks(stored, block) - MIDDLE) / rotation_scale(block)


def undo_matrix(stored: Stored, matrix: NDArray[np.float64], block: int) -> Pixels:
    """The image uint8 [H, W, 3] if the orthogonal `matrix` were the key of patch-rotation."""
    return as_pixels(join_blocks(rotated_values(stored, block) @ matrix + 127.5, stored.shape, block))
