"""Supervisely: a project of meta.json and datasets, each with img/ and ann/."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from veilseg.data.faults import Fault, name_some
from veilseg.data.importing.files import Photographs, read_export, read_json
from veilseg.data.importing.named import Shape, classes_of, draw_shapes, rows_of, text_of
from veilseg.data.importing.shapes import mask_of_png, place, polygon, read_points, read_size, rectangle
from veilseg.data.importing.source import Source, SourceClass, SourceItem, flat, split_of
from veilseg.data.importing.table import colour_of
from veilseg.errors import InvalidDataError, UsageError

_WITHOUT_AREA = ("line", "point", "polyline", "graph", "cuboid")


def read_supervisely(root: Path, images: Path | None, table: list[SourceClass] | None) -> Source:
    """The annotations of a project, objects in their order, later ones over earlier ones; its datasets may be parts.

    Classes and colours are those of meta.json, in its order, but for classes of points and lines.
    """
    if images is not None:
        raise UsageError("a Supervisely project holds its photographs", "leave --images out")
    meta = read_export(root / "meta.json", "a Supervisely project with meta.json")
    known = []
    for row in rows_of(meta, "classes"):
        if row.get("shape") not in _WITHOUT_AREA:
            known.append(SourceClass(None, text_of(row, "title"), colour_of(str(row.get("color")))))
    source = Source(classes_of([entry.name for entry in known], table) if table else known, background="background")
    places = {entry.name: index for index, entry in enumerate(source.classes)}
    thin: list[str] = []
    for folder in sorted(path.parent for path in root.rglob("ann") if path.is_dir()):
        photographs = Photographs(folder / "img", "supervisely")
        for path in sorted((folder / "ann").glob("*.json")):
            try:
                photo = photographs.path(photographs.find(path.name.removesuffix(".json")))
                thin += [str(path)] * bool(_read(path)[2])
            except InvalidDataError as error:
                source.faults.append(Fault(str(path), error.message))
                continue
            key = photo.relative_to(root).as_posix().replace("/img/", "/")
            draw = partial(_draw, path, places)
            source.items.append(SourceItem(flat(key), str(photo), str(path), photo.read_bytes, draw, split_of(key)))
        source.faults += photographs.unused()
    if thin:
        source.remarks.append(f"points and lines have no area, and were not drawn: {name_some(thin)}")
    return source


def _read(path: Path) -> tuple[tuple[int, int], list[Shape], int]:
    """Size, shapes, and how many have no area."""
    content = read_json(path)
    rows = rows_of(content, "objects")
    size = content.get("size")
    size = read_size(size.get("height"), size.get("width")) if isinstance(size, dict) else read_size(None, None)
    drawn = [row for row in rows if row.get("geometryType") not in _WITHOUT_AREA]
    return size, [_shape(row, size) for row in drawn], len(rows) - len(drawn)


def _shape(row: dict[str, Any], size: tuple[int, int]) -> Shape:
    name, kind = text_of(row, "classTitle"), row.get("geometryType")
    part = row.get("bitmap" if kind == "bitmap" else "points")
    if not isinstance(part, dict):
        raise InvalidDataError("has an object without a geometry")
    if kind == "polygon":
        holes = [read_points(hole, size) for hole in part.get("interior") or []]
        return Shape(name, partial(polygon, outside=read_points(part.get("exterior"), size), holes=holes))
    if kind == "rectangle":
        return Shape(name, partial(rectangle, corners=read_points(part.get("exterior"), size, 2)))
    if kind == "bitmap":
        ((left, top),) = read_points([part.get("origin")], size, 1)
        mask = mask_of_png(part.get("data"), compressed=True)
        return Shape(name, partial(place, part=mask, left=left, top=top))
    raise InvalidDataError(f"has an object of the kind {str(kind)[:40]!r}, which is not known here")


def _draw(path: Path, places: Mapping[str, int]) -> np.ndarray:
    size, shapes, _ = _read(path)
    return draw_shapes(size, shapes, places)
