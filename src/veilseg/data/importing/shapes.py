"""Shapes as masks, drawn by Pillow as the labelling tools themselves do it."""

from __future__ import annotations

import base64
import binascii
import io
import math
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from veilseg.errors import InvalidDataError
from veilseg.header import MAX_PIXELS

Points = list[tuple[float, float]]


def read_size(height: Any, width: Any) -> tuple[int, int]:
    """The size that labels were drawn in; raises InvalidDataError for what is none, or larger than any photograph."""
    if not all(isinstance(side, int) and side > 0 for side in (height, width)) or height * width > MAX_PIXELS:
        raise InvalidDataError(f"has no size that a photograph could have: {width!r} x {height!r}"[:120])
    return height, width


def read_points(values: Any, size: tuple[int, int], least: int = 3) -> Points:
    """[[x, y], ...] in pixels; raises InvalidDataError for fewer than `least`, and for points far outside of `size`."""
    try:
        points = [(float(x), float(y)) for x, y in values]
    except (TypeError, ValueError) as error:
        raise InvalidDataError("has a shape whose points are no pairs of numbers") from error
    if len(points) < least:
        raise InvalidDataError(f"has a shape of {len(points)} points, where {least} are needed")
    reach = 2 * max(size)
    if not all(math.isfinite(value) and abs(value) <= reach for point in points for value in point):
        raise InvalidDataError("has a shape that lies far outside of the photograph")
    return points


def polygon(size: tuple[int, int], outside: Points, holes: Sequence[Points] = ()) -> np.ndarray:
    """The mask, bool [H, W] of a polygon without its holes."""
    mask, pen = _sheet(size)
    pen.polygon(outside, fill=1, outline=1)
    for hole in holes:
        pen.polygon(hole, fill=0, outline=0)
    return np.asarray(mask, bool)


def rectangle(size: tuple[int, int], corners: Points) -> np.ndarray:
    """The mask, bool [H, W] of an upright rectangle between two corners."""
    (x0, y0), (x1, y1) = corners[:2]
    mask, pen = _sheet(size)
    pen.rectangle((min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)), fill=1)
    return np.asarray(mask, bool)


def ellipse(size: tuple[int, int], centre: tuple[float, float], radii: tuple[float, float]) -> np.ndarray:
    """The mask, bool [H, W] of an upright ellipse."""
    (x, y), (across, down) = centre, map(abs, radii)
    mask, pen = _sheet(size)
    pen.ellipse((x - across, y - down, x + across, y + down), fill=1)
    return np.asarray(mask, bool)


def place(size: tuple[int, int], part: np.ndarray, left: Any, top: Any) -> np.ndarray:
    """The mask, bool [H, W] with the bool [h, w] `part` at (left, top); what lies outside is cut off."""
    if not all(isinstance(at, int | float) and math.isfinite(at) for at in (left, top)):
        raise InvalidDataError("has a mask without a place")
    mask = np.zeros(size, bool)
    y, x = int(top), int(left)
    rows, columns = slice(max(0, y), max(0, y + part.shape[0])), slice(max(0, x), max(0, x + part.shape[1]))
    target = mask[rows, columns]
    start_y, start_x = max(0, -y), max(0, -x)
    target[:] = part[start_y : start_y + target.shape[0], start_x : start_x + target.shape[1]]
    return mask


def mask_of_png(text: Any, *, compressed: bool = False) -> np.ndarray:
    """The mask, bool [h, w] of a PNG in base64 (`compressed`: packed by zlib before): what is opaque, or not black.

    Raises InvalidDataError for what is none.
    """
    try:
        data = base64.b64decode(text, validate=True)
        if compressed:
            data = zlib.decompressobj().decompress(data, MAX_PIXELS)
        with Image.open(io.BytesIO(data), formats=("PNG",)) as image:
            read_size(image.height, image.width)
            if "A" in image.getbands():
                return np.asarray(image.getchannel("A")) > 0
            return np.asarray(image.convert("L")) > 0
    except (TypeError, ValueError, OSError, SyntaxError, binascii.Error, zlib.error) as error:
        raise InvalidDataError("has a mask that is no PNG") from error


def _sheet(size: tuple[int, int]) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    mask = Image.new("1", (size[1], size[0]))
    return mask, ImageDraw.Draw(mask)
