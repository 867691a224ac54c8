"""An image in bands of whole rows of sub-blocks, each one call of a kernel."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numpy.typing import NDArray

from veilseg.ciphers.grid import Pixels, flat
from veilseg.ciphers.kernels import engine

_BAND = 16  # rows of pixels, at least: fewer calls, and the band still fits into the processor's cache

#: source and target from `grid.flat`, then width, height of the band and sub-block in pixels.
Kernel = Callable[[NDArray[Any], NDArray[Any], int, int, int], None]


def over_bands(kernel: Kernel, pixels: Pixels, out: Pixels, sub_block: int) -> None:
    """Call `kernel` for every band of `pixels`, in threads where the image is large."""
    height, width = pixels.shape[:2]
    band = -(-_BAND // sub_block) * sub_block

    def work(start: int, stop: int) -> None:
        for top in range(start * sub_block, stop * sub_block, band):
            rows = slice(top, min(top + band, stop * sub_block))
            source, target = (flat(image[rows], sub_block) for image in (pixels, out))
            kernel(source, target, width, rows.stop - top, sub_block)

    engine.over_rows(work, height // sub_block, height * width)
