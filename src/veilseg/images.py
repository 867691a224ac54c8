"""Photographs in: the few formats that cameras and datasets use, opened with care, as plain uint8 RGB arrays.

Only pixels come through. Orientation (EXIF) and colour profiles (ICC) are applied; every other metadata (EXIF, GPS,
comments) stays behind.
"""

from __future__ import annotations

import io
import os
import re
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
from numpy.typing import NDArray

from veilseg.colours import to_srgb
from veilseg.errors import InvalidImageError, VeilsegError
from veilseg.files import read_limited, walk
from veilseg.formats import FORMATS, SUFFIXES, damaged, depth_remark, is_heif, media_remarks, refusal
from veilseg.header import MAX_PIXELS

if TYPE_CHECKING:
    from PIL import Image

MAX_BYTES = 8 * MAX_PIXELS

_ORIENTATION_TAG = 0x0112
_BITS_TAG, _INTERPRETATION_TAG, _WHITE_IS_ZERO = 258, 262, 0
# A file of a few bytes can claim any size. Up to the first number of pixels it may (that is little memory); beyond, no
# photograph comes near the second, the most that deflate does to one blank grey pixel after another.
_FREE_PIXELS = 16_000_000
_PIXELS_PER_BYTE = 1100
_DECODERS = r"(PIL|pillow_heif)\b"
_8_BIT_HINT = "convert it to 8-bit RGB first"


def open_image(source: str | os.PathLike[str] | bytes | BinaryIO) -> NDArray[np.uint8]:
    """Open a photograph (path, bytes or binary file) as uint8 RGB [H, W, 3]: upright, in sRGB.

    What becomes of colours, depth and transparency is in docs/photographs.md. Warns (UserWarning) where something is
    lost. Raises InvalidImageError for everything that is not one intact, opaque picture in one of the formats that are
    read, of at most MAX_PIXELS pixels (checked before decoding), and for images that are encrypted already;
    VeilsegError when a path cannot be read.
    """
    from PIL import Image, UnidentifiedImageError

    data = source if isinstance(source, bytes) else read_limited(source, MAX_BYTES)
    formats = _with_heif() if is_heif(data) else FORMATS
    try:
        _ignore_decoders_warnings()
        with Image.open(io.BytesIO(data), formats=formats) as image:
            _refuse_before_decoding(image, len(data))
            profile = bool(image.info.get("icc_profile"))
            remarks = media_remarks(data, profile=profile) if image.format in ("AVIF", "HEIF") else []
            pixels, more = _read(image)
    except VeilsegError:
        raise
    except UnidentifiedImageError as error:
        raise refusal(data) from error
    except Image.DecompressionBombError as error:
        raise _too_large("") from error
    except Exception as error:
        # The decoders raise a dozen kinds of errors on hostile files (struct.error, SyntaxError, KeyError...);
        # all mean one thing.
        raise damaged() from error
    _warn(remarks + more)
    return pixels


def _ignore_decoders_warnings() -> None:
    """Pillow warns of large images and odd metadata; both are dealt with here.

    For the whole process: `warnings.catch_warnings` in one thread would undo the filters of another.
    """
    first = warnings.filters[0][3] if warnings.filters else None
    if not (isinstance(first, re.Pattern) and first.pattern == _DECODERS):  # where others were added since
        warnings.filterwarnings("ignore", module=_DECODERS)


def _with_heif() -> tuple[str, ...]:
    """Let Pillow open HEIC; other programs then read HEIC by Pillow too, which does no harm."""
    try:
        from pillow_heif import register_heif_opener
    except ImportError as error:
        raise InvalidImageError("HEIC needs the package pillow-heif", "pip install pillow-heif") from error
    register_heif_opener()
    return ("HEIF",)


def _warn(remarks: list[str]) -> None:
    for remark in remarks:
        warnings.warn(remark, UserWarning, stacklevel=3)


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
    # A JPEG with several pictures (MPO) carries previews or depth beside the photograph, which comes first. A HEIC says
    # which of its pictures is the photograph, and that one is read.
    if image.format not in ("MPO", "HEIF") and getattr(image, "is_animated", False):
        raise InvalidImageError("the image holds several pictures", "save the one you mean as a file of its own")
    if image.format == "PNG" and "veilseg" in image.info:
        raise InvalidImageError(
            "the image is encrypted already", "pass the original photograph; `veilseg inspect` shows more"
        )


def from_pil(image: Image.Image) -> NDArray[np.uint8]:
    """The pixels of a PIL image as uint8 RGB [H, W, 3], by the rules of docs/photographs.md.

    Upright; in sRGB where it has an ICC profile; grey as three equal channels; opaque alpha dropped; of 16 bits the
    upper 8. Accepts modes 1, L, P, RGB, YCbCr, CMYK, I;16 and, where fully opaque, LA, PA, RGBA, RGBX. Warns
    (UserWarning) where something is lost. Raises InvalidImageError for real transparency and for modes that would need
    a choice: Lab and HSV, I and F (a range).
    """
    try:
        pixels, remarks = _read(image)
    except VeilsegError:
        raise
    except Exception as error:  # a file that was opened elsewhere is decoded here
        raise damaged() from error
    _warn(remarks)
    return pixels


def _read(image: Image.Image) -> tuple[NDArray[np.uint8], list[str]]:
    """The pixels, and what is to be said of them."""
    mode = image.mode
    if image.width == 0 or image.height == 0:
        raise InvalidImageError("the image has no pixels", "pass an image with at least one pixel")
    profile = image.info.get("icc_profile")
    bits = _bits(image)
    if mode in ("LA", "PA", "La", "RGBA", "RGBa") or (mode in ("1", "L", "P", "RGB") and "transparency" in image.info):
        image = _without_alpha(_upright(image))
    elif mode in ("1", "L", "P", "RGB", "RGBX", "YCbCr", "CMYK"):
        image = _upright(image)
    elif mode.startswith("I;16"):
        image = _upper_bits(_upright(image), bits)
    elif mode.startswith(("I", "F")):
        raise InvalidImageError(f"the image has values of more than 16 bits (mode {mode})", _8_BIT_HINT)
    else:
        raise InvalidImageError(f"the image is not in RGB, grey or CMYK (mode {mode})", _8_BIT_HINT)
    if image.mode not in ("L", "CMYK"):
        image = image.convert("L" if image.mode == "1" else "RGB")
    image, remark = to_srgb(image, profile if isinstance(profile, bytes) else None)
    said = [depth_remark(bits)] if bits > 8 else []
    return np.array(image), said + ([remark] if remark else [])


def _bits(image: Image.Image) -> int:
    """Bits a channel, at most 16; asked before decoding, since Pillow reduces most to 8 and forgets it."""
    if image.mode.startswith("I;16"):
        tags = getattr(image, "tag_v2", {})  # a TIFF's: there are some of 12 bits
        return int(tags.get(_BITS_TAG, (16,))[0])
    return 16 if ";16" in str(getattr(image, "tile", "")) else 8


def _without_alpha(image: Image.Image) -> Image.Image:
    """RGB of an image that is opaque everywhere."""
    image = image if image.mode == "RGBA" else image.convert("RGBA")
    lowest, _ = image.getchannel("A").getextrema()
    if lowest != 255:
        raise InvalidImageError(
            "the image is transparent in places", "paste it on a background and save it without alpha"
        )
    return image.convert("RGB")


def _upper_bits(image: Image.Image, bits: int) -> Image.Image:
    """The upper 8 of `bits` bits of a grey image."""
    from PIL import Image as Pillow

    values = (np.asarray(image) >> (bits - 8)).astype(np.uint8)
    white_is_zero = getattr(image, "tag_v2", {}).get(_INTERPRETATION_TAG) == _WHITE_IS_ZERO
    return Pillow.fromarray(255 - values if white_is_zero else values)


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
