"""The two grids of the ciphers: blocks (patches) cut into sub-blocks, as NumPy views and copies."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

from veilseg.errors import InvalidImage, UsageError
from veilseg.parameters import CHANNELS, MAX_BLOCK, SHUFFLES

Pixels = NDArray[np.uint8]


def check_block(block: int) -> None:
    """Refuse a block size that is not a whole number from 1 to MAX_BLOCK."""
    if isinstance(block, bool) or not isinstance(block, int | np.integer) or not 1 <= block <= MAX_BLOCK:
        raise UsageError(f"the block size must be a whole number from 1 to {MAX_BLOCK}, not {block!r}", "16 is usual")


def check_sub_block(block: int, sub_block: int) -> None:
    """Refuse a sub-block size that does not divide the block."""
    check_block(block)
    if (
        isinstance(sub_block, bool)
        or not isinstance(sub_block, int | np.integer)
        or sub_block < 1
        or int(block) % int(sub_block)
    ):
        raise UsageError(
            f"the sub-block size must divide the block size {block}, and {sub_block!r} does not",
            "4, 8 and 16 are usual",
        )


def check_options(channels: str, shuffle: str) -> None:
    """Refuse unknown values of the two options of the sub-block ciphers ([P1] leaves both open)."""
    for name, value, known in (("channels", channels, CHANNELS), ("shuffle", shuffle, SHUFFLES)):
        if value not in known:
            raise UsageError(f"unknown value {value!r} of the option {name}", f"choose one of: {', '.join(known)}")


def check_pixels(pixels: NDArray[Any], multiple: int) -> Pixels:
    """The array itself, C-contiguous, if it is uint8 [H, W, 3] with sides that are positive multiples of `multiple`."""
    if not isinstance(pixels, np.ndarray) or pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3:
        found = f"{pixels.dtype} {list(pixels.shape)}" if isinstance(pixels, np.ndarray) else type(pixels).__name__
        raise InvalidImage(f"expected a uint8 array [H, W, 3], not {found}", "convert the image to 8-bit RGB first")
    height, width = pixels.shape[:2]
    if not height or not width or height % multiple or width % multiple:
        raise InvalidImage(
            f"the sides {height} x {width} are not positive multiples of {multiple}",
            "veilseg.cipher(...).encrypt pads images by itself",
        )
    return np.ascontiguousarray(pixels)


def cut_regions(pixels: Pixels, region: int, sub_block: int) -> Pixels:
    """Pixels [H, W, 3] as uint8 [regions, 3, sub-blocks, s*s]: regions, sub-blocks and pixels all in raster order.

    `region` is a multiple of `sub_block`; both sides of the image are multiples of `region`.
    """
    height, width = pixels.shape[:2]
    per, s = region // sub_block, sub_block
    view = pixels.reshape(height // region, per, s, width // region, per, s, 3)
    # rows of regions, columns of regions, channel, row and column of the sub-block, row and column of the pixel
    return np.ascontiguousarray(view.transpose(0, 3, 6, 1, 4, 2, 5)).reshape(-1, 3, per * per, s * s)


def join_regions(regions: Pixels, shape: tuple[int, ...], region: int, sub_block: int) -> Pixels:
    """The inverse of `cut_regions`: uint8 of the given shape (H, W, 3)."""
    height, width = shape[:2]
    per, s = region // sub_block, sub_block
    view = regions.reshape(height // region, width // region, 3, per, per, s, s)
    return np.ascontiguousarray(view.transpose(0, 3, 5, 1, 4, 6, 2)).reshape(height, width, 3)


def cut_blocks(pixels: NDArray[Any], block: int) -> NDArray[Any]:
    """[H, W, 3] of any dtype as [blocks, L] with L = block * block * 3 in the order (channel, row, column) of [P2]."""
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
