"""COCO: one JSON of polygons and run lengths, read by pycocotools."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from veilseg.data.faults import Fault
from veilseg.data.importing.files import Photographs, read_export
from veilseg.data.importing.named import rows_of
from veilseg.data.importing.shapes import read_points, read_size
from veilseg.data.importing.source import NOTHING, Source, SourceClass, SourceItem, flat, split_of
from veilseg.errors import InvalidDataError

_HINT = "COCO's instances: images, annotations with a segmentation, categories"


def read_coco(path: Path, images: Path | None, table: list[SourceClass] | None) -> Source:
    """The instances of a COCO file as classes. Crowds are drawn first, then the larger shapes below the smaller.

    The classes are the file's categories; a table of the same names gives their order and colours.
    """
    import pycocotools.mask  # noqa: F401  # said before any work where it is missing

    photographs = Photographs(images, "coco")
    content = read_export(path, "coco")
    try:
        pictures, annotations, categories = (rows_of(content, key) for key in ("images", "annotations", "categories"))
    except InvalidDataError as error:
        raise InvalidDataError(f"{path} is no COCO file: it {error.message}", _HINT) from error
    if any("segments_info" in row for row in annotations):
        raise InvalidDataError(f"{path} is COCO's panoptic form, whose masks are pictures", f"this reads {_HINT}")
    names = {row.get("id"): row.get("name") for row in categories}
    if not names or not all(isinstance(name, str) and name for name in names.values()):
        raise InvalidDataError(f"{path} has categories without a name", _HINT)
    source = Source(table or [SourceClass(id_, str(name)) for id_, name in names.items()], background="background")
    indices = {entry.name: index for index, entry in enumerate(source.classes)}
    if missing := sorted({str(name) for name in names.values()} - set(indices)):
        raise InvalidDataError(f"{path} has classes that the table lacks: {', '.join(missing[:8])}")
    places = {id_: indices[str(name)] for id_, name in names.items()}
    shapes: dict[Any, list[dict[str, Any]]] = defaultdict(list)
    for row in annotations:
        shapes[row.get("image_id")].append(row)
    empty = []
    for row in pictures:
        name = str(row.get("file_name", ""))
        drawn = shapes.pop(row.get("id"), [])
        try:
            found = photographs.find(name)
        except InvalidDataError as error:
            source.faults.append(Fault(name or f"image {row.get('id')}", error.message))
            continue
        empty += [] if drawn else [found]
        photo = photographs.path(found)
        label_name = f"{path.name}, image {row.get('id')} ({found})"
        draw = partial(_draw, row, drawn, places)
        source.items.append(SourceItem(flat(found), str(photo), label_name, photo.read_bytes, draw, split_of(found)))
    source.faults += [
        Fault(path.name, f"{len(left)} shapes of image {id_}, which the file lacks") for id_, left in shapes.items()
    ]
    source.faults += photographs.unused()
    if empty:
        source.remarks.append(f"{len(empty)} images have no shape, and are all background: {', '.join(empty[:5])}")
    return source


def _draw(row: dict[str, Any], shapes: Sequence[dict[str, Any]], places: dict[Any, int]) -> np.ndarray:
    size = read_size(row.get("height"), row.get("width"))
    label = np.full(size, NOTHING, np.int16)
    masks = []
    for shape in shapes:
        if shape.get("category_id") not in places:
            raise InvalidDataError(f"has shape {shape.get('id')} of a category that the file lacks")
        masks.append((not shape.get("iscrowd"), _mask(shape, size), places[shape["category_id"]]))
    for _, mask, place in sorted(masks, key=lambda each: (each[0], -int(each[1].sum()))):
        label[mask] = place
    return label


def _mask(shape: dict[str, Any], size: tuple[int, int]) -> np.ndarray:
    """The mask, bool [H, W] of an annotation: several polygons are one shape."""
    from pycocotools import mask as coco

    what, where = shape.get("segmentation"), f"shape {shape.get('id')}"
    try:
        if isinstance(what, dict):
            codes = _run_lengths(what, size)
        elif isinstance(what, list) and what:
            flats = [read_points(zip(part[::2], part[1::2], strict=True), size) for part in what]
            codes = coco.merge(coco.frPyObjects([np.ravel(points).tolist() for points in flats], *size))
        else:
            raise InvalidDataError("has no segmentation")
        return np.asarray(coco.decode(codes), bool)
    except InvalidDataError as error:
        raise InvalidDataError(f"has {where}: it {error.message}") from error
    except (TypeError, ValueError) as error:
        raise InvalidDataError(f"has {where}, whose segmentation is none") from error


def _run_lengths(what: dict[str, Any], size: tuple[int, int]) -> Any:
    from pycocotools import mask as coco

    if what.get("size") != list(size):
        raise InvalidDataError(f"has run lengths for {what.get('size')}, not for {list(size)}")
    counts = what.get("counts")
    if isinstance(counts, str):
        return {"size": list(size), "counts": counts.encode("ascii")}
    if not isinstance(counts, list) or not all(type(n) is int and n >= 0 for n in counts):
        raise InvalidDataError("has run lengths that are no numbers")
    if sum(counts) != size[0] * size[1]:
        raise InvalidDataError("has run lengths that do not add up to its pixels")
    return coco.frPyObjects(what, *size)
