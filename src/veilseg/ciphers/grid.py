"""The two grids of the ciphers: blocks (patches) cut into sub-blocks, as NumPy views and copies."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

from veilseg.errors import InvalidImageError

Pixels = NDArray[np.uint8]


def check_pixels(pixels: NDArray[Any], multiple: int) -> Pixels:
    """The array itself, C-contiguous, if it is uint8 [H, W, 3] with sides that are positive multiples of `multiple`."""
    if not isinstance(pixels, np.ndarray) or pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3:
        found = f"{pixels.dtype} {list(pixels.shape)}" if isinstance(pixels, np.ndarray) else type(pixels).__name__
        raise InvalidImageError(
            f"expected a uint8 array [H, W, 3], not {found}", "convert the image to 8-bit RGB first"
        )
    height, width = pixels.shape[:2]
    if not height or not width or height % multiple or width % multiple:
        raise InvalidImageError(
            f"the sides {height} x {width} are not positive multiples of {multiple}",
            "veilseg.cipher(...).encrypt pads images by itself",
        )
    return np.ascontiguousarray(pixels)


def cut_sub_blocks(pixels: Pixels, sub_block: int) -> Pixels:
    """Pixels [H, W, 3] as uint8 [sub-blocks, 3, s*s]: sub-blocks and their pixels in raster order.

    Both sides of the image are multiples of `sub_block`.
    """
    height, width = pixels.shape[:2]
    s = sub_block
    view = pixels.reshape(height // s, s, width // s, s, 3)
    return np.ascontiguousarray(view.transpose(0, 2, 4, 1, 3)).reshape(-1, 3, s * s)


def join_sub_blocks(values: Pixels, shape: tuple[int, ...], sub_block: int) -> Pixels:
    """The inverse of `cut_sub_blocks`: uint8 of the given shape (H, W, 3)."""
    height, width = shape[:2]
    s = sub_block
    view = values.reshape(height // s, width // s, 3, s, s)
    return np.ascontiguousarray(view.transpose(0, 3, 1, 4, 2)).reshape(height, width, 3)


def cut_blocks(pixels: NDArray[Any], block: int) -> NDArray[Any]:
    """[H, W, 3] of any dtype as [blocks, L]: L = 3 * block * block values in the order channel, row, column."""
    height, width = pixels.shape[:2]
    view = pixels.reshape(height // block, block, width // block, block, 3)
    return np.ascontiguousarray(view.transpose(0, 2, 4, 1, 3)).reshape(-1, 3 * block * block)


def join_blocks(blocks: NDArray[Any], shape: tuple[int, ...], block: int) -> NDArray[Any]:
    """The inverse of `cut_blocks`: an array of the given shape (H, W, 3) and of the same dtype."""
    height, width = shape[:2]
    view = blocks.reshape(height // block, width // block, 3, block, block)
    return np.ascontiguousarray(view.transpose(0, 3, 1, 4, 2)).reshape(height, width, 3)


def flat(image: Pixels, sub_block: int) -> NDArray[Any]:
    """uint8 [H, W, 3], contiguous, in one row: as 32-bit words, three for four pixels, where side and machine allow."""
    row = image.reshape(-1)
    if sub_block % 4 or sys.byteorder != "little":
        return row
    words = row.view(np.uint32)
    return words if words.flags.aligned else row
