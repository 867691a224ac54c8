"""Which way up a file's pixels lie: EXIF turns photographs, while labels may be drawn on them turned or not."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image
from PIL.TiffImagePlugin import TiffImageFile

from veilseg.formats import FORMATS

_TAG, _WIDTH_TAG, _HEIGHT_TAG = 0x0112, 256, 257
_SWAPS_SIDES = frozenset({5, 6, 7, 8})
#: By orientation: whether it mirrors left and right first, and how many quarters it then turns to the left.
_TURNS = {
    1: (False, 0),
    2: (True, 0),
    3: (False, 2),
    4: (True, 2),
    5: (True, 1),
    6: (False, 3),
    7: (True, 3),
    8: (False, 1),
}


def orientation_of(source: Path | bytes) -> int:
    """The EXIF orientation of an image file, 1 to 8; 1, upright, where there is none or it cannot be read."""
    try:
        with _opened(source) as image:
            if image.format == "PNG" and not _has_exif(source):
                return 1  # asking Pillow would decode it
            found = image.getexif().get(_TAG, 1)
    except (
        Exception
    ):  # what decoders raise on damaged files has no common name; that they are damaged is said elsewhere
        return 1
    return found if isinstance(found, int) and 1 <= found <= 8 else 1


def stored_size(source: Path | bytes) -> tuple[int, int]:
    """Height and width of an image's pixels as they lie in the file. Raises OSError for what is no image."""
    with _opened(source) as image:
        if isinstance(image, TiffImageFile):  # whose size Pillow gives upright
            return int(image.tag_v2[_HEIGHT_TAG]), int(image.tag_v2[_WIDTH_TAG])
        return image.height, image.width


def is_hidden(orientation: int, height: int, width: int) -> bool:
    """Whether an image's size is the same turned and not, so that nobody can tell by it how its label was drawn."""
    return orientation != 1 and (orientation not in _SWAPS_SIDES or height == width)


def turn(label: np.ndarray, orientation: int) -> np.ndarray:
    """A label [H, W], drawn on the pixels as they lie in the file, as the photograph is shown."""
    mirrored, quarters = _TURNS[orientation]
    return np.ascontiguousarray(np.rot90(np.fliplr(label) if mirrored else label, quarters))


def _opened(source: Path | bytes) -> Image.Image:
    return Image.open(io.BytesIO(source) if isinstance(source, bytes) else source, formats=FORMATS)


def _has_exif(source: Path | bytes) -> bool:
    data = source if isinstance(source, bytes) else source.read_bytes()
    return b"eXIf" in data or b"Raw profile type" in data
