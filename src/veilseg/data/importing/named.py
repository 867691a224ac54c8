"""Datasets whose shapes carry the names of their classes: one label file a photograph, shapes in drawing order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

from veilseg.data.importing.source import NOTHING, SourceClass
from veilseg.errors import InvalidDataError


class Shape(NamedTuple):
    """A class's name (None: the shape takes away what lies below it), and what gives its mask, bool [H, W]."""

    name: str | None
    mask: Callable[[tuple[int, int]], np.ndarray]


def classes_of(names: Iterable[str], table: list[SourceClass] | None) -> list[SourceClass]:
    """The table's classes, else one for each name in alphabetical order. InvalidDataError for names it lacks."""
    found = sorted(set(names))
    if table is None:
        return [SourceClass(None, name) for name in found]
    known = {entry.name for entry in table}
    if missing := [name for name in found if name not in known]:
        raise InvalidDataError(
            f"the table of classes lacks {', '.join(missing[:8])}", "add them, or leave --classes out"
        )
    return table


def draw_shapes(size: tuple[int, int], shapes: Iterable[Shape], places: Mapping[str, int]) -> np.ndarray:
    """Classes, int16 [H, W]: every shape over those before it. InvalidDataError for a class without a place."""
    label = np.full(size, NOTHING, np.int16)
    for shape in shapes:
        if shape.name is not None and shape.name not in places:
            raise InvalidDataError(f"has a shape of the class {shape.name!r}, which was not there before")
        label[shape.mask(size)] = NOTHING if shape.name is None else places[shape.name]
    return label


def rows_of(content: Any, key: str) -> list[dict[str, Any]]:
    """The list of objects `key` of a JSON object; raises InvalidDataError, about the file, where there is none."""
    rows = content.get(key) if isinstance(content, dict) else None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise InvalidDataError(f"lists no {key}")
    return rows


def text_of(row: dict[str, Any], key: str) -> str:
    """The text `key` of a JSON object; raises InvalidDataError, about the file, where there is none."""
    text = row.get(key)
    if not isinstance(text, str) or not text:
        raise InvalidDataError(f"has a shape without a {key}")
    return text
