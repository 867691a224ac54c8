"""From the classes of a source to those of the dataset: renamed, merged or ignored as asked, with ids from 0."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from veilseg.data.base import IGNORED
from veilseg.data.importing.source import IGNORE, NOTHING, Colour, Source, SourceClass
from veilseg.data.importing.table import colour_of
from veilseg.errors import InvalidDataError, UsageError
from veilseg.modelconfig import default_palette

#: What stands for "ignored" where a class is named.
IGNORE_WORD = "ignore"
_BLACK: Colour = (0, 0, 0)


@dataclass(frozen=True)
class Choices:
    """What a person asks for.

    Attributes:
        renamed: "FROM=TO" each: FROM a class by name, id or #rrggbb, TO the name it gets, or "ignore".
        ignored: classes by name, id or #rrggbb.
        reduce_zero: id 0 is ignored.
        background: the class of pixels in no shape; None: the format's own.
    """

    renamed: Sequence[str] = ()
    ignored: Sequence[str] = ()
    reduce_zero: bool = False
    background: str | None = None


@dataclass(frozen=True)
class Mapping:
    """The dataset's classes; `ids`, uint8, are found by a drawn label plus two."""

    classes: tuple[str, ...]
    palette: tuple[Colour, ...]
    ids: np.ndarray

    def apply(self, drawn: np.ndarray) -> np.ndarray:
        """Ids, uint8 [H, W], from what a source drew, int16 [H, W]."""
        return np.asarray(self.ids[drawn.astype(np.int32) + 2])


def make_mapping(source: Source, choices: Choices) -> Mapping:
    """The classes of `source` as chosen.

    Raises UsageError for a class that the source lacks, for none that is left and for more than 8 bits hold,
    InvalidDataError for a source without classes.
    """
    names: list[str | None] = [entry.name for entry in source.classes]
    for text in choices.renamed:
        before, equals, after = text.rpartition("=")
        if not equals or not before or not after:
            raise UsageError(f"cannot read --map {text!r}", "write FROM=TO, as in truck=car or 7=road")
        for index in _find(source.classes, before):
            names[index] = None if after == IGNORE_WORD else after
    for text in [*choices.ignored, *(["0"] if choices.reduce_zero else [])]:
        for index in _find(source.classes, text):
            names[index] = None
    background = source.background if choices.background is None else choices.background
    outside = None if background == IGNORE_WORD else background
    # The background comes first, as tools have it, unless it is a class of the source.
    ordered = [*([outside] if outside and outside not in names else []), *(name for name in names if name)]
    classes = tuple(dict.fromkeys(ordered))
    if not classes and not source.classes:
        raise InvalidDataError("no label holds a class", "all is ignored, or no label can be read")
    if not classes:
        raise UsageError("every class is ignored", "leave one")
    if len(classes) > IGNORED:
        raise UsageError(f"there are {len(classes)} classes, and 8-bit labels hold {IGNORED}", "merge some with --map")
    own = {name: entry.colour for name, entry in zip(names, source.classes, strict=True) if name and entry.colour}
    own |= {entry.name: entry.colour for entry in source.classes if entry.colour and entry.name in names}
    if outside:
        own.setdefault(outside, _BLACK)
    made = default_palette(len(classes))
    palette = tuple(own.get(name, made[index]) for index, name in enumerate(classes))
    ids = [IGNORED if name is None else classes.index(name) for name in names]
    nothing = IGNORED if outside is None else classes.index(outside)
    assert (IGNORE, NOTHING) == (-2, -1)
    return Mapping(classes, palette, np.array([IGNORED, nothing, *ids], np.uint8))


def _find(classes: Sequence[SourceClass], text: str) -> list[int]:
    """The indices of the classes that `text` names."""
    colour = colour_of(text)
    found = [index for index, entry in enumerate(classes) if entry.name == text or (colour and entry.colour == colour)]
    if not found and text.isdecimal():
        found = [index for index, entry in enumerate(classes) if entry.id == int(text)]
    if not found:
        known = ", ".join(entry.name for entry in classes[:20])
        raise UsageError(f"the source has no class {text!r}", f"it has {known}{' ...' if len(classes) > 20 else ''}")
    return found
