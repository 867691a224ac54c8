"""What may be encrypted: every image that has one obvious meaning as 8-bit RGB becomes that, every other is refused."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, TypeGuard

import numpy as np

from veilseg.ciphers.grid import Pixels
from veilseg.errors import InvalidImageError

if TYPE_CHECKING:
    from PIL import Image

_FORMS = "pass a uint8 array [H, W, 3], [H, W] or a PIL image"


def as_pixels(image: object) -> Pixels:
    """`image` as uint8 [H, W, 3], C-contiguous.

    Taken are uint8 arrays [H, W, 3]; [H, W] and [H, W, 1], whose grey fills all three channels; [H, W, 4] whose
    alpha is 255 everywhere; and PIL images by the same rules, upright as their EXIF orientation says. Raises
    InvalidImageError for everything else: other types, other ranks, no pixels, transparency.
    """
    if _is_pil(image):
        from veilseg.images import from_pil

        return np.ascontiguousarray(from_pil(image))
    if not isinstance(image, np.ndarray):
        if type(image).__name__ == "EncryptedImage":
            raise InvalidImageError("this image is encrypted already", "encrypt the plain image")
        raise InvalidImageError(f"a {type(image).__name__} is not an image", _FORMS)
    if image.dtype != np.uint8:
        floats = np.issubdtype(image.dtype, np.floating)
        hint = "(255 * x).round().astype(np.uint8) for values 0..1" if floats else "scale it to 0..255 as np.uint8"
        raise InvalidImageError(f"the values are {image.dtype}, and only uint8 is encrypted", hint)
    if image.ndim == 2:
        image = image[:, :, None]
    if image.ndim != 3 or image.shape[2] not in (1, 3, 4):
        first = image.ndim == 3 and image.shape[0] in (1, 3)
        hint = "channels come last: x.transpose(1, 2, 0)" if first else _FORMS
        raise InvalidImageError(f"an array of shape {list(image.shape)} is not one image", hint)
    if image.size == 0:
        raise InvalidImageError(f"an image of {image.shape[0]} x {image.shape[1]} pixels is empty", _FORMS)
    if image.shape[2] == 4:
        if (image[:, :, 3] != 255).any():
            raise InvalidImageError("the image is transparent in places", "lay it on a background first")
        image = image[:, :, :3]
    return np.ascontiguousarray(np.broadcast_to(image, (*image.shape[:2], 3)))


def pad(pixels: Pixels, block: int) -> Pixels:
    """Sides up to the next multiple of `block` by reflection at the bottom and right (without repeating the edge).

    Reflection goes back and forth where the image is smaller than what is added; one pixel is repeated.
    """
    below, right = (-side % block for side in pixels.shape[:2])
    return np.pad(pixels, [(0, below), (0, right), (0, 0)], "reflect") if below or right else pixels


def _is_pil(image: object) -> TypeGuard[Image.Image]:
    module = sys.modules.get("PIL.Image")  # who has a PIL image has imported it
    return module is not None and isinstance(image, module.Image)
