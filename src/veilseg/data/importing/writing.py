"""A source as folders of ours: train/ and val/ with images/ and labels/, and classes.json. All of it, or nothing."""

from __future__ import annotations

import json
import secrets
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import numpy as np
from PIL import Image

from veilseg.data.base import IGNORED, decode_image
from veilseg.data.faults import Fault, name_some, without_name
from veilseg.data.importing.mapping import Mapping
from veilseg.data.importing.source import Source, SourceItem
from veilseg.data.orientation import is_hidden, orientation_of, turn
from veilseg.errors import InvalidDataError, VeilsegError
from veilseg.files import check_folder, make_folder, write_atomic


@dataclass
class Written:
    """What an import left: images per part, faults of what is not among them, and sentences on what was done."""

    parts: dict[str, int] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Made:
    """A pair in the temporary folder; `found` is bool [256], the ids in its label."""

    name: str
    suffix: str
    split: str | None
    found: np.ndarray


def write_source(
    source: Source,
    mapping: Mapping,
    folder: Path,
    *,
    share: float | None = None,
    seed: int = 0,
    leave_out: bool = False,
    advance: Callable[[], None] = lambda: None,
) -> Written:
    """Write every photograph as it is and its label as a palette PNG of ids; `folder` must not exist, or be empty.

    `share` of the images, drawn by `seed`, become val/; None: 0.2, or the source's own parts. With a fault nothing is
    written, unless `leave_out` leaves out what is faulty. Raises VeilsegError where `folder` holds something.
    """
    refuse_full(folder)
    make_folder(folder.parent)
    written = Written(faults=list(source.faults), remarks=list(source.remarks))
    beside = folder.with_name(f".{folder.name[:20]}.{secrets.token_hex(6)}.part")
    try:
        for part in ("images", "labels"):
            make_folder(beside / part)
        made = _write_all(source.items, mapping, beside, written, advance)
        if written.faults and not leave_out:
            return written
        if not made:
            raise InvalidDataError("no photograph with a label is left", "the faults say why")
        _arrange(made, beside, _split(made, share, seed), mapping, written)
        described = {"classes": mapping.classes, "palette": mapping.palette}
        write_atomic(beside / "classes.json", (json.dumps(described, ensure_ascii=False) + "\n").encode())
        beside.rename(folder)  # onto a folder that is empty, or none
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return written


def refuse_full(folder: Path) -> None:
    """Raise VeilsegError where `folder` is a file, or holds something. Cheap: before any work."""
    check_folder(folder)
    if folder.is_dir() and any(folder.iterdir()):
        raise VeilsegError(f"{folder} holds files already", "name a folder that does not exist: nothing is overwritten")


def _write_all(
    items: Sequence[SourceItem], mapping: Mapping, beside: Path, written: Written, advance: Callable[[], None]
) -> list[_Made]:
    made: dict[str, _Made] = {}
    turned, hidden = [], []
    # All 256 colours: a shorter palette would be saved in fewer bits, which do not hold 255.
    palette = [value for colour in mapping.palette for value in colour]
    palette += [255] * (3 * 256 - len(palette))
    for item in items:
        advance()
        try:
            if item.name in made:
                raise InvalidDataError("two photographs would get this name")
            data, label, orientation = _pair(item)
        except _FaultyError as error:
            written.faults.append(error.fault)
            continue
        except InvalidDataError as error:
            written.faults.append(Fault(item.image_name, error.message))
            continue
        ids = mapping.apply(label)
        suffix = PurePosixPath(item.image_name).suffix.lower()
        (beside / "images" / f"{item.name}{suffix}").write_bytes(data)
        picture = Image.fromarray(ids)
        picture.putpalette(palette)
        picture.save(beside / "labels" / f"{item.name}.png")
        made[item.name] = _Made(item.name, suffix, item.split, np.bincount(ids.ravel(), minlength=256) > 0)
        if orientation == "turned":
            turned.append(item.image_name)
        elif orientation == "hidden":
            hidden.append(item.image_name)
    if turned:
        written.remarks.append(f"labels were turned like their photographs, as EXIF says: {name_some(turned)}")
    if hidden:
        written.remarks.append(
            "EXIF turns photographs in a way that sizes do not tell, and their labels were taken as upright: "
            f"{name_some(hidden)}"
        )
    return sorted(made.values(), key=lambda pair: pair.name)


class _FaultyError(Exception):
    """A pair that cannot be used."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(str(fault))
        self.fault = fault


def _pair(item: SourceItem) -> tuple[bytes, np.ndarray, str]:
    """A photograph's bytes, its label upright, and what EXIF had to do with it: "", "turned" or "hidden"."""
    try:
        data = item.read()
        shape = decode_image(data, item.image_name).shape[:2]
    except (InvalidDataError, OSError) as error:
        message = error.message if isinstance(error, InvalidDataError) else f"cannot be read: {error.strerror}"
        raise _FaultyError(Fault(item.image_name, without_name(message, item.image_name))) from error
    try:
        label = item.draw()
    except InvalidDataError as error:
        raise _FaultyError(Fault(item.label_name, error.message)) from error
    orientation = orientation_of(data)
    if label.shape == shape:
        return data, label, "hidden" if is_hidden(orientation, *shape) else ""
    if orientation != 1 and label.shape == shape[::-1]:
        return data, turn(label, orientation), "turned"
    sizes = [f"{each[1]}x{each[0]}" for each in (label.shape, shape)]
    raise _FaultyError(Fault(item.label_name, f"is for {sizes[0]} pixels, but its photograph has {sizes[1]}"))


def _split(made: Sequence[_Made], share: float | None, seed: int) -> dict[str, str]:
    """The part of each pair by name: the source's own where all have one and no share is given, else drawn."""
    if share is None and all(pair.split for pair in made):
        return {pair.name: str(pair.split) for pair in made}
    wanted = 0.2 if share is None else share
    order = np.random.default_rng(seed).permutation(len(made))
    count = min(len(made) - 1, max(1, round(wanted * len(made)))) if wanted else 0
    return {made[index].name: "val" if place < count else "train" for place, index in enumerate(order)}


def _arrange(made: Sequence[_Made], beside: Path, split: dict[str, str], mapping: Mapping, written: Written) -> None:
    """Move the pairs into their parts, and say which classes a part lacks."""
    for pair in made:
        for kind, suffix in (("images", pair.suffix), ("labels", ".png")):
            target = beside / split[pair.name] / kind
            target.mkdir(parents=True, exist_ok=True)
            (beside / kind / f"{pair.name}{suffix}").rename(target / f"{pair.name}{suffix}")
    for kind in ("images", "labels"):
        (beside / kind).rmdir()
    for part in sorted(set(split.values()), key=("train", "val", "test").index):
        pairs = [pair for pair in made if split[pair.name] == part]
        written.parts[part] = len(pairs)
        found = np.any([pair.found for pair in pairs], axis=0)
        if absent := [name for name, there in zip(mapping.classes, found[:IGNORED], strict=False) if not there]:
            written.remarks.append(f"no pixel of {part}/ belongs to {name_some(absent)}")
