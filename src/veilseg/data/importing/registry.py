"""Formats by name: FORMAT:PATH, the way the command line writes them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from veilseg.data.importing.cityscapes_json import read_cityscapes
from veilseg.data.importing.coco import read_coco
from veilseg.data.importing.hugging_face import read_hugging_face
from veilseg.data.importing.label_studio import read_label_studio
from veilseg.data.importing.labelme import read_labelme
from veilseg.data.importing.masks import read_masks
from veilseg.data.importing.source import Source, SourceClass
from veilseg.data.importing.supervisely import read_supervisely
from veilseg.errors import UsageError

#: From PATH, the folder of the photographs and the table of classes to what was found.
Reader = Callable[[Path, Path | None, list[SourceClass] | None], Source]
#: {format: (reader, what PATH is)}
FORMATS: dict[str, tuple[Reader, str]] = {
    "masks": (read_masks, "DIR"),
    "coco": (read_coco, "FILE"),
    "cityscapes": (read_cityscapes, "DIR"),
    "labelme": (read_labelme, "DIR"),
    "label-studio": (read_label_studio, "FILE"),
    "supervisely": (read_supervisely, "DIR"),
    "hugging-face": (read_hugging_face, "DIR"),
}


def forms() -> str:
    """All formats for a help text."""
    *most, last = (f"{name}:{where}" for name, (_, where) in FORMATS.items())
    return f"{', '.join(most)} or {last}"


def read_source(spec: str, images: Path | None, table: list[SourceClass] | None) -> Source:
    """What FORMAT:PATH holds. Raises UsageError for no known format, and what its reader raises."""
    name, colon, where = spec.partition(":")
    if not colon or not where or name not in FORMATS:
        raise UsageError(f"{spec!r} does not name a dataset of another tool", f"use {forms()}")
    return FORMATS[name][0](Path(where).expanduser(), images, table)
