"""LabelMe: a JSON file of shapes beside every photograph."""

from __future__ import annotations

import base64
import binascii
import math
import posixpath
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from veilseg.data.faults import Fault, name_some
from veilseg.data.importing.files import Photographs, read_json
from veilseg.data.importing.named import Shape, classes_of, draw_shapes, rows_of, text_of
from veilseg.data.importing.shapes import ellipse, mask_of_png, place, polygon, read_points, read_size, rectangle
from veilseg.data.importing.source import IGNORE, Source, SourceClass, SourceItem, flat, split_of
from veilseg.errors import InvalidDataError, UsageError

#: Names with a meaning of their own in LabelMe's tools.
_IGNORE_NAME, _BACKGROUND_NAME = "__ignore__", "_background_"
_WITHOUT_AREA = ("line", "linestrip", "point", "points")


def read_labelme(root: Path, images: Path | None, table: list[SourceClass] | None) -> Source:
    """The JSON files below `root`, shapes in their order, later ones over earlier ones.

    Photographs are looked for below `images` (None: `root`) by the name that a file gives, then in the file itself.
    The classes are the labels in alphabetical order; __ignore__ is ignored, _background_ takes shapes away.
    """
    if not root.is_dir():
        raise UsageError(f"there is no folder {root}", "labelme:DIR names the folder of the JSON files")
    photographs = Photographs(images or root, "labelme")
    source = Source([], background="background")
    names: set[str] = set()
    places: dict[str, int] = {_IGNORE_NAME: IGNORE}
    thin: list[str] = []
    for path in sorted(root.rglob("*.json")):
        try:
            content = read_json(path)
            _, shapes, left = _shapes(content)
            name, read = _photograph(content, path, path.parent.relative_to(root).as_posix(), photographs)
        except InvalidDataError as error:
            source.faults.append(Fault(str(path), error.message))
            continue
        names |= {shape.name for shape in shapes if shape.name}
        thin += [str(path)] * bool(left)
        key = path.relative_to(root).as_posix()
        item = SourceItem(flat(key), name, str(path), read, partial(_draw, path, places), split_of(key))
        source.items.append(item)
    source.faults += photographs.unused()
    source.classes = classes_of(names - {_IGNORE_NAME}, table)
    places |= {entry.name: index for index, entry in enumerate(source.classes)}
    if thin:
        source.remarks.append(f"points and lines have no area, and were not drawn: {name_some(thin)}")
    return source


def _photograph(content: Any, path: Path, folder: str, photographs: Photographs) -> tuple[str, Callable[[], bytes]]:
    """What a photograph is called, and what reads it; `folder`: that of the JSON file, below the root of them all."""
    wanted = str(content.get("imagePath") or "").replace("\\", "/")
    # Its path counts from the JSON file: photographs in other folders may have the same name.
    for name in (posixpath.normpath(f"{folder}/{wanted}"), wanted, f"{path.stem}{PurePosixPath(wanted).suffix}"):
        try:
            found = photographs.path(photographs.find(name))
        except InvalidDataError as error:
            missing = error
            continue
        return str(found), found.read_bytes
    if not isinstance(content.get("imageData"), str):
        raise missing
    suffix = PurePosixPath(wanted).suffix or ".png"
    return f"{path}{suffix}", partial(_inside, path)


def _inside(path: Path) -> bytes:
    try:
        return base64.b64decode(read_json(path).get("imageData") or "", validate=True)
    except (ValueError, binascii.Error) as error:
        raise InvalidDataError("the photograph in the JSON file cannot be read") from error


def _shapes(content: Any) -> tuple[tuple[int, int], list[Shape], int]:
    """Size, shapes, and how many have no area."""
    rows = rows_of(content, "shapes")
    size = read_size(content.get("imageHeight"), content.get("imageWidth"))
    kinds = [row.get("shape_type") or "polygon" for row in rows]
    thin = sum(kind in _WITHOUT_AREA for kind in kinds)
    pairs = [(row, kind) for row, kind in zip(rows, kinds, strict=True) if kind not in _WITHOUT_AREA]
    return size, [_shape(row, kind, size) for row, kind in pairs], thin


def _shape(row: dict[str, Any], kind: str, size: tuple[int, int]) -> Shape:
    label = text_of(row, "label")
    name = None if label == _BACKGROUND_NAME else label
    points = read_points(row.get("points"), size, 3 if kind in ("polygon", "oriented_rectangle") else 2)
    if kind in ("polygon", "oriented_rectangle"):
        return Shape(name, partial(polygon, outside=points))
    if kind == "rectangle":
        return Shape(name, partial(rectangle, corners=points))
    (x, y), (x1, y1) = points[:2]
    if kind == "circle":  # its centre, and a point of its edge
        radius = math.hypot(x1 - x, y1 - y)
        return Shape(name, partial(ellipse, centre=(x, y), radii=(radius, radius)))
    if kind == "mask":
        return Shape(name, partial(place, part=mask_of_png(row.get("mask")), left=x, top=y))
    raise InvalidDataError(f"has a shape of the kind {str(kind)[:40]!r}, which is not known here")


def _draw(path: Path, places: Mapping[str, int]) -> np.ndarray:
    size, shapes, _ = _shapes(read_json(path))
    return draw_shapes(size, shapes, places)
