"""Label Studio: one JSON of tasks with polygons, rectangles, ellipses and brush strokes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from veilseg.data.faults import Fault
from veilseg.data.importing.brush import read_brush
from veilseg.data.importing.files import Photographs, read_export
from veilseg.data.importing.named import Shape, classes_of, draw_shapes, rows_of
from veilseg.data.importing.shapes import ellipse, polygon, read_points, read_size, rectangle
from veilseg.data.importing.source import Source, SourceClass, SourceItem, flat, split_of
from veilseg.errors import InvalidDataError

#: Kinds of results by what is drawn; the others (choices, texts, ...) say nothing about pixels.
_KINDS = {
    "polygonlabels": "polygon",
    "rectanglelabels": "rectangle",
    "ellipselabels": "ellipse",
    "brushlabels": "brush",
}
_THIN = ("keypointlabels", "vectorlabels")
#: Shapes that cannot be read: without a label of their own, or in another form.
_UNKNOWN = ("polygon", "rectangle", "ellipse", "brush", "bitmask", "bitmasklabels")
_UPLOAD = re.compile(r"[0-9a-f]{8}-")


def read_label_studio(path: Path, images: Path | None, table: list[SourceClass] | None) -> Source:
    """The tasks of an export (its form JSON, not JSON-MIN), results in their order, later ones over earlier ones.

    The classes are the labels in alphabetical order. A task without an annotation is a fault, and one with several.
    """
    photographs = Photographs(images, "label-studio")
    tasks = read_export(path, "label-studio")
    if not isinstance(tasks, list) or not all(isinstance(task, dict) and "annotations" in task for task in tasks):
        raise InvalidDataError(f"{path} is no export of Label Studio", "export in the form JSON, not JSON-MIN")
    source = Source([], background="background")
    names: set[str] = set()
    places: dict[str, int] = {}
    thin = 0
    for number, task in enumerate(tasks):
        where = f"{path.name}, task {task.get('id', number)}"
        try:
            found = _photograph(task, photographs)
            rows, left = _results(task)
            size, shapes = _shapes(rows)
        except InvalidDataError as error:
            source.faults.append(Fault(where, error.message))
            continue
        names |= {shape.name for shape in shapes if shape.name}
        thin += left
        photo = photographs.path(found)
        draw = partial(draw_shapes, size, shapes, places)
        item = SourceItem(flat(found), str(photo), f"{where} ({found})", photo.read_bytes, draw, split_of(found))
        source.items.append(item)
    source.faults += photographs.unused()
    source.classes = classes_of(names, table)
    places |= {entry.name: index for index, entry in enumerate(source.classes)}
    if thin:
        source.remarks.append(f"{thin} points and lines have no area, and were not drawn")
    return source


def _photograph(task: dict[str, Any], photographs: Photographs) -> str:
    """The photograph of a task: an upload, a file of a local storage or an address; by its path, else its last part."""
    data = task.get("data")
    texts = [value for value in data.values() if isinstance(value, str)] if isinstance(data, dict) else []
    if not texts:
        raise InvalidDataError("has no data that names a photograph")
    address = urlsplit(texts[0])
    name = unquote(parse_qs(address.query).get("d", [address.path])[0])
    bare = PurePosixPath(name).name
    try:
        return photographs.find(name)
    except InvalidDataError:
        return photographs.find(bare[9:] if _UPLOAD.match(bare) else bare)


def _results(task: dict[str, Any]) -> tuple[list[dict[str, Any]], int]:
    """The results with areas of a task's one annotation, and how many have none."""
    done = [each for each in rows_of(task, "annotations") if not each.get("was_cancelled")]
    if len(done) != 1:
        raise InvalidDataError(f"has {len(done) or 'no'} annotation{'s' if done else ''}, where one is needed")
    rows = rows_of(done[0], "result")
    if unknown := next((row["type"] for row in rows if row.get("type") in _UNKNOWN), None):
        raise InvalidDataError(f"has a shape of the kind {unknown!r}, which is not known here")
    return [row for row in rows if row.get("type") in _KINDS], sum(row.get("type") in _THIN for row in rows)


def _shapes(rows: Sequence[dict[str, Any]]) -> tuple[tuple[int, int], list[Shape]]:
    if not rows:
        raise InvalidDataError("has an annotation without a shape, which says nothing of the photograph's size")
    size = read_size(rows[0].get("original_height"), rows[0].get("original_width"))
    return size, [_shape(row, size) for row in rows]


def _shape(row: dict[str, Any], size: tuple[int, int]) -> Shape:
    value, kind = row.get("value"), _KINDS[row["type"]]
    if (row.get("original_height"), row.get("original_width")) != size or row.get("image_rotation"):
        raise InvalidDataError("has a shape on another size, or on a photograph that was turned while labelling")
    if not isinstance(value, dict):
        raise InvalidDataError("has a result without a value")
    labels = value.get(row["type"])
    if not isinstance(labels, list) or len(labels) != 1 or not isinstance(labels[0], str):
        raise InvalidDataError("has a shape that has not one label")
    if kind == "brush":
        return Shape(labels[0], partial(read_brush, value.get("rle")))
    if kind == "polygon":
        return Shape(labels[0], partial(polygon, outside=_pixels(value.get("points"), size)))
    if value.get("rotation"):
        raise InvalidDataError(f"has a {kind} that was turned: draw it as a polygon")
    if kind == "rectangle":
        x, y, width, height = (value.get(name) for name in ("x", "y", "width", "height"))
        ((left, top), (across, down)) = _pixels([(x, y), (width, height)], size, 2)
        return Shape(labels[0], partial(rectangle, corners=[(left, top), (left + across, top + down)]))
    pairs = [(value.get("x"), value.get("y")), (value.get("radiusX"), value.get("radiusY"))]
    centre, radii = _pixels(pairs, size, 2)
    return Shape(labels[0], partial(ellipse, centre=centre, radii=radii))


def _pixels(values: Any, size: tuple[int, int], least: int = 3) -> list[tuple[float, float]]:
    """Points in percent of the photograph's sides as pixels."""
    height, width = size
    points = read_points(values, (1000, 1000), least)
    return [(x * width / 100, y * height / 100) for x, y in points]
