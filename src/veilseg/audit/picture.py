"""Pictures from arrays: what a viewer shows of stored values, grey means, sub-block means and how they are enlarged."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from veilseg.audit.base import Pixels, Stored

LARGEST = 255  # of a stored value of 8 bits
FFX_LARGEST = 999
"""Three decimal digits. The other 16-bit cipher, the rotation, has values around 32,768 in every block."""

BACK_PROJECTIONS = 10


def visible(stored: Stored) -> Pixels:
    """What can be seen of an encrypted image, uint8 [H, W, 3].

    8-bit values as they are, of 16-bit values the upper half, and FFX's numbers, which a viewer shows nearly black,
    brought to 0..255.
    """
    if stored.dtype == np.uint8:
        return stored
    return (stored >> 8 if stored.max() > FFX_LARGEST else stored * float(LARGEST) / FFX_LARGEST).astype(np.uint8)


def grey(pixels: Pixels) -> NDArray[np.float64]:
    """The mean of the three channels, float64 [H, W], 0..255.

    Unlike luma it does not depend on their order, which the ciphers may change.
    """
    return np.asarray(pixels.mean(axis=2, dtype=np.float64))


def as_pixels(values: NDArray[np.floating]) -> Pixels:
    """Values around 0..255, [H, W] or [H, W, 3], rounded and clipped to uint8 [H, W, 3]."""
    clipped = np.clip(np.rint(values), 0, 255).astype(np.uint8)
    return (
        np.ascontiguousarray(np.broadcast_to(clipped[..., None], (*clipped.shape, 3))) if values.ndim == 2 else clipped
    )


def means(pixels: NDArray[np.generic], side: int) -> NDArray[np.float64]:
    """The mean of every channel of every square of `side` pixels: [H, W, C] to float64 [H / side, W / side, C]."""
    height, width, channels = pixels.shape
    squares = pixels.reshape(height // side, side, width // side, side, channels)
    return np.asarray(squares.mean(axis=(1, 3), dtype=np.float64))


def enlarge(small: NDArray[np.float64], side: int) -> NDArray[np.float64]:
    """`small` [h, w] or [h, w, C] enlarged `side` times by bicubic interpolation: float64 [h * side, w * side, ...]."""
    if small.ndim == 2:
        picture = Image.fromarray(small.astype(np.float32))
        size = (small.shape[1] * side, small.shape[0] * side)
        return np.asarray(picture.resize(size, Image.Resampling.BICUBIC), np.float64)
    return np.stack([enlarge(small[..., channel], side) for channel in range(small.shape[2])], axis=-1)


def enlarge_means(small: NDArray[np.float64], side: int) -> NDArray[np.float64]:
    """Likewise, and the means of the picture's squares are `small` again.

    What bicubic interpolation leaves of them is enlarged and added, some times over: back-projection [Irani 1991].
    """
    if small.ndim == 2:
        return enlarge_means(small[..., None], side)[..., 0]
    picture = enlarge(small, side)
    for _ in range(BACK_PROJECTIONS):
        picture = picture + enlarge(small - means(picture, side), side)
    return picture
