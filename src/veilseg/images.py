"""Photographs in: the few formats that cameras and datasets use, opened with care, as plain uint8 RGB arrays.

Only pixels come through. Orientation (EXIF) is applied; every other metadata (EXIF, GPS, comments, ICC profiles) stays
behind.
"""

from __future__ import annotations

import io
import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
from numpy.typing import NDArray

from veilseg.errors import InvalidImageError, VeilsegError
from veilseg.files import read_limited, walk
from veilseg.header import MAX_PIXELS

if TYPE_CHECKING:
    from PIL import Image

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF")
SUFFIXES = frozenset({".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp", ".tif", ".tiff"})
VIDEO_SUFFIXES = frozenset({".avi", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts", ".webm", ".wmv"})
#: Images all the same, but of kinds that are not read: cameras' own, layered, animated, drawn.
OTHER_SUFFIXES = frozenset(
    {".apng", ".arw", ".avif", ".cr2", ".cr3", ".dng", ".exr", ".gif", ".hdr", ".heic", ".heif", ".hif", ".ico", ".jp2"}
    | {".jxl", ".nef", ".orf", ".pgm", ".ppm", ".psd", ".raf", ".raw", ".rw2", ".svg", ".tga", ".xcf"}
)
MAX_BYTES = 8 * MAX_PIXELS

_ORIENTATION_TAG = 0x0112
# A file of a few bytes can claim any size. Up to the first number of pixels it may (that is little memory); beyond, no
# photograph comes near the second, the most that deflate does to one blank grey pixel after another.
_FREE_PIXELS = 16_000_000
_PIXELS_PER_BYTE = 1100
_FORMATS_HINT = "JPEG, PNG, WebP, BMP and TIFF are read"
_8_BIT_HINT = "convert it to 8-bit RGB first"


def open_image(source: str | os.PathLike[str] | bytes | BinaryIO) -> NDArray[np.uint8]:
    """Open a photograph (path, bytes or binary file) as uint8 RGB [H, W, 3], upright as its EXIF orientation says.

    Raises InvalidImageError for everything that is not one intact, opaque picture in JPEG, PNG, WebP, BMP or TIFF of at
    most MAX_PIXELS pixels (checked before decoding), and for images that are encrypted already; VeilsegError when a
    path cannot be read.
    """
    from PIL import Image, UnidentifiedImageError

    data = source if isinstance(source, bytes) else read_limited(source, MAX_BYTES)
    try:
        # Pillow warns of large images and odd metadata; both are dealt with here.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(data), formats=FORMATS) as image:
                _refuse_before_decoding(image, len(data))
                return from_pil(image)
    except VeilsegError:
        raise
    except UnidentifiedImageError as error:
        raise InvalidImageError("this is not an image, or not one in a format that is read", _FORMATS_HINT) from error
    except Image.DecompressionBombError as error:
        raise _too_large("") from error
    except Exception as error:
        # The decoders raise a dozen kinds of errors on hostile files (struct.error, SyntaxError, KeyError...);
        # all mean one thing.
        raise InvalidImageError(
            "the image is damaged and cannot be decoded", "take it from its source again"
        ) from error


def _too_large(size: str) -> InvalidImageError:
    limit = f"the limit is {MAX_PIXELS // 10**6} million pixels; cut or scale it first"
    return InvalidImageError(f"the image is too large{size}", limit)


def _refuse_before_decoding(image: Image.Image, size: int) -> None:
    """Refuse what the first bytes of a file already tell, before memory is spent on pixels."""
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise _too_large(f": {width} x {height} pixels")
    if width * height > _FREE_PIXELS + _PIXELS_PER_BYTE * size:
        raise InvalidImageError(
            f"the image claims {width} x {height} pixels in {size} bytes", "no photograph is that small"
        )
    # A JPEG with several pictures (MPO) carries previews or depth beside the photograph, which comes first.
    if image.format != "MPO" and getattr(image, "is_animated", False):
        raise InvalidImageError("the image holds several pictures", "save the one you mean as a file of its own")
    if image.format == "PNG" and "veilseg" in image.info:
        raise InvalidImageError(
            "the image is encrypted already", "pass the original photograph; `veilseg inspect` shows more"
        )


def from_pil(image: Image.Image) -> NDArray[np.uint8]:
    """The pixels of a PIL image as uint8 RGB [H, W, 3]: upright, grey as three equal channels, opaque alpha dropped.

    Accepts modes 1, L, P, RGB, YCbCr and, where fully opaque, LA, PA, RGBA, RGBX. 16-bit RGB files, which Pillow opens
    as RGB, lose their lower bits. Raises InvalidImageError for real transparency and for modes that would need a
    choice: CMYK and Lab (a colour profile), I, I;16 and F (a range).
    """
    mode = image.mode
    if image.width == 0 or image.height == 0:
        raise InvalidImageError("the image has no pixels", "pass an image with at least one pixel")
    if mode in ("LA", "PA", "La", "RGBA", "RGBa") or (mode in ("1", "L", "P", "RGB") and "transparency" in image.info):
        image = image if mode == "RGBA" else image.convert("RGBA")
        lowest, _ = image.getchannel("A").getextrema()
        if lowest != 255:
            raise InvalidImageError(
                "the image is transparent in places", "paste it on a background and save it without alpha"
            )
        upright = _upright(image)
    elif mode in ("1", "L", "P", "RGB", "RGBX", "YCbCr"):
        upright = _upright(image)
    elif mode.startswith(("I", "F")):
        raise InvalidImageError(f"the image has values of more than 8 bits (mode {mode})", _8_BIT_HINT)
    else:
        raise InvalidImageError(f"the image is not in RGB or grey (mode {mode})", _8_BIT_HINT)
    return np.array(upright if upright.mode == "RGB" else upright.convert("RGB"))


def _upright(image: Image.Image) -> Image.Image:
    """Turn the pixels as the camera's EXIF orientation says. Like viewers, treat unreadable EXIF as upright."""
    from PIL.Image import Transpose

    image.load()  # first, because Pillow itself turns TIFF files here, and PNG may have its EXIF after the pixels
    try:
        orientation = image.getexif().get(_ORIENTATION_TAG, 1)
    except Exception:
        orientation = 1
    turns = {
        2: Transpose.FLIP_LEFT_RIGHT,
        3: Transpose.ROTATE_180,
        4: Transpose.FLIP_TOP_BOTTOM,
        5: Transpose.TRANSPOSE,
        6: Transpose.ROTATE_270,
        7: Transpose.TRANSVERSE,
        8: Transpose.ROTATE_90,
    }
    turn = turns.get(orientation) if isinstance(orientation, int) else None
    return image if turn is None else image.transpose(turn)


def to_png(pixels: NDArray[np.uint8]) -> bytes:
    """A PNG file of uint8 [H, W, 3], or grey [H, W], without any metadata."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(buffer, format="PNG")
    return buffer.getvalue()


def list_images(folder: str | os.PathLike[str]) -> list[Path]:
    """The image files in `folder` and its subfolders, by suffix and sorted by name.

    Links are followed; hidden files and folders, and what cannot be reached, are left out.
    """
    return sorted(path for path, problem in walk(folder) if problem is None and path.suffix.lower() in SUFFIXES)
