"""Colours as sRGB: what a photograph's ICC profile says is carried out before anything else sees its pixels."""

from __future__ import annotations

import io
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from PIL import Image
    from PIL.ImageCms import ImageCmsTransform

UNREADABLE = "the photograph's colour profile cannot be used: its colours are taken for sRGB"
INKS = "the photograph has inks (CMYK) without a profile that could be used: its colours are only roughly right"

_MODES = {"GRAY": "L", "RGB": "RGB", "CMYK": "CMYK"}


def to_srgb(image: Image.Image, profile: bytes | None) -> tuple[Image.Image, str | None]:
    """An image in mode L, RGB or CMYK as RGB in sRGB, and what is to be said of it.

    Without a profile, and where it cannot be used, grey and RGB values are taken for sRGB's, and inks are subtracted:
    (1 - C) (1 - K), as browsers do. A profile that differs from sRGB by at most one level changes nothing.
    """
    remark = INKS if image.mode == "CMYK" else None
    if profile:
        try:
            mode, transform = _transform(profile)
            fitting = image.convert("RGB") if (image.mode, mode) == ("L", "RGB") else image
            if transform is None:
                return fitting, None
            return transform.apply(fitting), None  # refuses other modes than its own
        except (OSError, ValueError, TypeError, KeyError):
            remark = remark or UNREADABLE
    return image.convert("RGB"), remark


@lru_cache(maxsize=8)
def _transform(profile: bytes) -> tuple[str, ImageCmsTransform | None]:
    """The mode that a profile is for, and the way from there to sRGB; None where both are the same to one level."""
    from PIL import Image, ImageCms

    source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    mode = _MODES[source.profile.xcolor_space.strip()]
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
    transform = ImageCms.ImageCmsTransform(source, srgb, mode, "RGB", ImageCms.Intent.PERCEPTUAL)
    if mode == "RGB":
        levels = np.linspace(0, 255, 9).astype(np.uint8)
        probe = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(9, 81, 3)
        there = np.asarray(transform.apply(Image.fromarray(probe)), np.int16)
        if np.abs(there - probe).max() <= 1:
            return mode, None
    return mode, transform
