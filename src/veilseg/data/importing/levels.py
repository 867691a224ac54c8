"""The pixels of a mask as classes: its colours, its palette or its grey levels."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np
from PIL import Image

from veilseg.data.base import IGNORED
from veilseg.data.importing.source import IGNORE, Colour, Source, SourceClass
from veilseg.errors import InvalidDataError
from veilseg.formats import FORMATS
from veilseg.modelconfig import generic_classes

_TOLD = 8  # colours or ids that a message lists


class _Mask(NamedTuple):
    """A mask's ids, int [H, W], or colours, uint8 [H, W, 3]; a palette's has both."""

    ids: np.ndarray | None
    colours: np.ndarray | None


def ids_of(masks: Iterable[tuple[str, Callable[[], bytes]]]) -> list[SourceClass]:
    """The classes of masks of ids that no table names: 0 up to the largest. Masks of colours raise InvalidDataError.

    `masks`: names and what reads the files. Those that cannot be read are left to draw_mask, which says so.
    """
    found = np.zeros(IGNORED + 1, bool)
    for name, read in masks:
        try:
            mask = _open(read)
        except InvalidDataError:
            continue
        if mask.ids is not None:
            found[np.unique(np.minimum(mask.ids, IGNORED))] = True
        elif mask.colours is not None:
            colours = np.unique(mask.colours.reshape(-1, 3), axis=0)
            some = ", ".join("{},{},{}".format(*colour) for colour in colours[:_TOLD])
            raise InvalidDataError(
                f"{name} has colours, and nothing says which class each is",
                f"name a table with --classes, a line name,r,g,b for each; {len(colours)} here: {some}",
            )
    ids = np.flatnonzero(found[:IGNORED])
    count = int(ids[-1]) + 1 if len(ids) else 0
    return [SourceClass(index, name) for index, name in enumerate(generic_classes(count))]


def _open(read: Callable[[], bytes]) -> _Mask:
    """Raises InvalidDataError, whose message is about the file, for what is no mask."""
    try:
        with Image.open(io.BytesIO(read()), formats=FORMATS) as image:
            if image.mode in ("1", "L") or image.mode.startswith("I;16"):
                return _Mask(np.asarray(image).astype(np.int32), None)
            if image.mode not in ("P", "RGB", "RGBA"):
                raise InvalidDataError(f"is a mask in mode {image.mode}; grey, palette and RGB are read")
            if image.mode == "RGBA" and np.asarray(image.getchannel("A")).min() < 255:
                raise InvalidDataError("is transparent in places; masks are opaque")
            ids = np.asarray(image).astype(np.int32) if image.mode == "P" else None
            return _Mask(ids, np.asarray(image.convert("RGB")))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise InvalidDataError("cannot be read as a mask") from error


def draw_mask(read: Callable[[], bytes], source: Source) -> np.ndarray:
    """Classes, int16 [H, W]: by colour where the table has colours and all of the mask's are in it; else by id.

    An id of 255 that is no class is ignored. Raises InvalidDataError, whose message is about the file, also for a grey
    mask whose values are ids of some classes and colours of others, unless all colours of the table are grey.
    """
    mask = _open(read)
    by_id = {IGNORED: IGNORE}
    by_id |= {entry.id: index for index, entry in enumerate(source.classes) if entry.id is not None}
    by_colour = {_code(entry.colour): index for index, entry in enumerate(source.classes) if entry.colour is not None}
    codes = _codes(mask) if by_colour else None
    if codes is not None and (mask.ids is None or np.isin(np.unique(codes), list(by_colour)).all()):
        if mask.colours is None and any(len(set(entry.colour)) > 1 for entry in source.classes if entry.colour):
            pairs = [(by_id.get(code & 0xFF), by_colour[code]) for code in np.unique(codes).tolist()]
            if all(place is not None for place, _ in pairs) and any(place != other for place, other in pairs):
                raise InvalidDataError(
                    "is grey, and its values are ids of some classes and colours of others: save it as RGB, or take "
                    "the colours out of the table"
                )
        return _look_up(codes, by_colour, lambda code: f"#{code:06x}")
    if mask.ids is None:
        raise InvalidDataError("has colours, and the table of classes has none")
    return _look_up(mask.ids, by_id, str)


def _code(colour: Colour) -> int:
    return colour[0] << 16 | colour[1] << 8 | colour[2]


def _codes(mask: _Mask) -> np.ndarray:
    """Colours as one number a pixel, int32 [H, W]; grey levels are colours too."""
    if mask.colours is not None:
        return np.asarray(mask.colours.astype(np.int32) @ np.array([1 << 16, 1 << 8, 1], np.int32))
    assert mask.ids is not None
    return np.asarray(np.where(mask.ids < 256, mask.ids * 0x010101, -1))


def _look_up(values: np.ndarray, known: dict[int, int], say: Callable[[int], str]) -> np.ndarray:
    """Classes, int16 [H, W]. Raises InvalidDataError that lists the values without one."""
    found, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    unknown = [(value, count) for value, count in zip(found.tolist(), counts, strict=True) if value not in known]
    if unknown:
        unknown.sort(key=lambda each: -int(each[1]))
        some = ", ".join(f"{say(value)} ({count} pixels)" for value, count in unknown[:_TOLD])
        more = f" and {len(unknown) - _TOLD} more" if len(unknown) > _TOLD else ""
        blurred = "; JPEG and soft edges make such colours: masks have hard edges, in PNG" if len(unknown) > 64 else ""
        raise InvalidDataError(f"has values that no class has: {some}{more}{blurred}")
    return np.array([known[value] for value in found.tolist()], np.int16)[inverse.reshape(values.shape)]
