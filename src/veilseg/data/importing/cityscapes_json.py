"""Cityscapes' polygons: gtFine/SPLIT/CITY/NAME_gtFine_polygons.json, and other data labelled that way."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path

import numpy as np

from veilseg.data.cityscapes import CITYSCAPES_CLASSES, CITYSCAPES_PALETTE
from veilseg.data.faults import Fault
from veilseg.data.importing.files import Photographs, read_json
from veilseg.data.importing.mapping import IGNORE_WORD
from veilseg.data.importing.named import Shape, classes_of, draw_shapes, rows_of, text_of
from veilseg.data.importing.shapes import polygon, read_points, read_size
from veilseg.data.importing.source import IGNORE, Source, SourceClass, SourceItem, split_of
from veilseg.errors import InvalidDataError, UsageError

#: Labels of Cityscapes that its benchmark ignores.
_IGNORED = frozenset(
    {"unlabeled", "ego vehicle", "rectification border", "out of roi", "static", "dynamic", "ground", "parking"}
    | {"rail track", "guard rail", "bridge", "tunnel", "polegroup", "caravan", "trailer", "license plate"}
)
_ENDING, _IMAGE_ENDING = "_polygons.json", "_leftImg8bit"


def read_cityscapes(root: Path, images: Path | None, table: list[SourceClass] | None) -> Source:
    """The polygons below `root`, in their order, later ones over earlier ones; what is in none is ignored.

    Where all labels are Cityscapes' own, the classes are those 19 of its benchmark and the others are ignored; else
    they are the labels that occur. A label like cargroup counts as car.
    """
    if not root.is_dir():
        raise UsageError(f"there is no folder {root}", "cityscapes:DIR names the folder of the polygons, gtFine")
    photographs = Photographs(images, "cityscapes")
    by_key = {_key(name).removesuffix(_IMAGE_ENDING): name for name in photographs.names}
    source = Source([], background=IGNORE_WORD)
    names: set[str] = set()
    places: dict[str, int] = {}
    for path in sorted(root.rglob(f"*{_ENDING}")):
        name = path.relative_to(root).as_posix().removesuffix(_ENDING)
        key = name.rpartition("_")[0] if name.endswith(("_gtFine", "_gtCoarse")) else name
        if key not in by_key:
            source.faults.append(Fault(str(path), "polygons without a photograph"))
            continue
        photo = photographs.path(photographs.find(by_key[key]))
        try:
            names |= {shape.name for shape in _read(path)[1] if shape.name}
        except InvalidDataError as error:
            source.faults.append(Fault(str(path), error.message))
            continue
        item = SourceItem(
            key.rpartition("/")[2], str(photo), str(path), photo.read_bytes, partial(_draw, path, places), split_of(key)
        )
        source.items.append(item)
    source.faults += photographs.unused()
    whole = {_whole(name) for name in names}
    if table is None and whole and whole <= _IGNORED | set(CITYSCAPES_CLASSES):
        colours = map(tuple, CITYSCAPES_PALETTE.tolist())
        pairs = zip(CITYSCAPES_CLASSES, colours, strict=True)
        source.classes = [SourceClass(index, name, colour) for index, (name, colour) in enumerate(pairs)]
        places |= {name: IGNORE for name in names if _whole(name) in _IGNORED}
    else:
        source.classes = classes_of(whole, table)
    indices = {entry.name: index for index, entry in enumerate(source.classes)}
    places |= {name: indices[_whole(name)] for name in names if _whole(name) in indices}
    return source


def _key(name: str) -> str:
    return str(Path(name).with_suffix(""))


def _whole(name: str) -> str:
    """A group's class, as Cityscapes' own tools have it."""
    single = name.removesuffix("group")
    return single if single in CITYSCAPES_CLASSES and name not in _IGNORED else name  # polegroup is a label of its own


def _read(path: Path) -> tuple[tuple[int, int], list[Shape]]:
    content = read_json(path)
    rows = rows_of(content, "objects")
    size = read_size(content.get("imgHeight"), content.get("imgWidth"))
    shapes = []
    for row in rows:
        if row.get("deleted"):
            continue
        points = read_points(row.get("polygon"), size)
        shapes.append(Shape(text_of(row, "label"), partial(polygon, outside=points)))
    return size, shapes


def _draw(path: Path, places: Mapping[str, int]) -> np.ndarray:
    size, shapes = _read(path)
    return draw_shapes(size, shapes, places)
