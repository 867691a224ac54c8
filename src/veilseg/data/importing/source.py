"""What a reader makes of another tool's dataset: its classes, and photographs with labels that are drawn when asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np

from veilseg.data.faults import Fault

#: Values of a drawn label beside the indices of classes: in no shape, and ignored by the source itself.
NOTHING, IGNORE = -1, -2
Colour = tuple[int, int, int]
_SPLITS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation"), "val"),
    **dict.fromkeys(("test", "testing"), "test"),
}


class SourceClass(NamedTuple):
    """A class of the source: its id there (None: it has none), its name, its colour where one is given."""

    id: int | None
    name: str
    colour: Colour | None = None


@dataclass(frozen=True)
class SourceItem:
    """One photograph.

    Attributes:
        name: unique; the stem of the files to be written.
        image_name: what messages call the photograph, label_name its label's file.
        read: gives the bytes of the photograph's file.
        draw: gives int16 [H, W], the index of every pixel's class, NOTHING or IGNORE, in the size that was labelled.
            Raises InvalidDataError, whose message is about the label's file.
        split: the part of the dataset where the source has parts.
    """

    name: str
    image_name: str
    label_name: str
    read: Callable[[], bytes]
    draw: Callable[[], np.ndarray]
    split: str | None = None


@dataclass
class Source:
    """A dataset as a reader found it; `background` is the class of pixels in no shape (None: they are ignored)."""

    classes: list[SourceClass]
    items: list[SourceItem] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    background: str | None = None


def split_of(name: str) -> str | None:
    """The part of a dataset that a path begins with, such as train/ or validation/."""
    first, slash, _ = name.partition("/")
    return _SPLITS.get(first.lower()) if slash else None


def flat(name: str) -> str:
    """A path without its suffix as the stem of a file."""
    return str(Path(name).with_suffix("")).replace("/", "_")
