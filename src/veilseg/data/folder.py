"""Plain folders: images/ and labels/ with files of the same stem, and an optional classes.json."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from veilseg.data.base import IGNORED, PairedFiles, decode_label
from veilseg.data.faults import MASK_HINT, Fault, without_name
from veilseg.errors import InvalidDataError
from veilseg.modelconfig import default_palette, generic_classes, is_colour

CLASSES_HINT = 'write {"classes": ["road", "sky"], "palette": [[128, 64, 128], [70, 130, 180]]} (palette optional)'


def open_folder(root: Path, split: str | None = None) -> PairedFiles:
    """The dataset in `root` (or in `root`/`split`, where a split is named): images/, labels/, optional classes.json.

    classes.json holds {"classes": [names], "palette": [[r, g, b], ...]}; it may lie in `root` for all splits. Without
    it the classes are called "class 0", "class 1", ... up to the largest id found, and the palette is made up.
    Raises InvalidDataError for missing folders and a malformed classes.json; files that do not go are its `faults`.
    """
    if not root.is_dir():
        raise InvalidDataError(
            f"folder: there is no folder {root}", "check the name; it is to hold images/ and labels/"
        )
    folder = root if split is None else root / split
    if not (folder / "images").is_dir() or not (folder / "labels").is_dir():
        splits = find_splits(root)
        hint = (
            "expected the folders images/ and labels/; of photographs with masks "
            "`veilseg data import masks:MASKS --images PHOTOS -o DIR` makes them"
        )
        if splits:
            hint = f"found splits: {', '.join(splits)}" + ("" if split else "; choose one with --split")
        elif any((root / f"{path.name}annot").is_dir() for path in root.iterdir()):
            hint = f"this looks like CamVid: camvid:{root}"
        raise InvalidDataError(f"folder: {folder} does not hold images/ and labels/", hint=hint)
    name = "/".join(("folder", root.resolve().name, *([split] if split else [])))
    described = next((path for path in (folder / "classes.json", root / "classes.json") if path.is_file()), None)
    classes, palette = read_classes(described) if described else (generic_classes(1), colours_for(1))
    data = PairedFiles(name, folder / "images", folder / "labels", classes=classes, palette=palette)
    if described is None:
        count = 1 + max((_largest_id(path, data.faults) for _, _, path in data.pairs), default=0)
        if count == 1 and not data.faults:
            raise InvalidDataError(f"{name}: no label holds an id from 1 to 254", f"{MASK_HINT}; {CLASSES_HINT}")
        data.classes = generic_classes(count)
        data.palette = colours_for(count)
    return data


def read_classes(path: Path) -> tuple[tuple[str, ...], np.ndarray]:
    """Names and palette (uint8 [K, 3]) of a classes.json; raises InvalidDataError when it says something else."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InvalidDataError(f"{path} is not JSON", hint=CLASSES_HINT) from error
    names = content.get("classes") if isinstance(content, dict) else None
    if not isinstance(names, list) or not names or not all(isinstance(name, str) and name for name in names):
        raise InvalidDataError(f"{path} does not list the names of the classes", hint=CLASSES_HINT)
    if len(names) > IGNORED:
        raise InvalidDataError(f"{path} lists {len(names)} classes; 8-bit labels hold {IGNORED} at most")
    colours = content.get("palette")
    if colours is None:
        return tuple(names), colours_for(len(names))
    if not isinstance(colours, list) or len(colours) != len(names) or not all(is_colour(c) for c in colours):
        raise InvalidDataError(f"{path} has no palette of {len(names)} colours [r, g, b] of 0..255", hint=CLASSES_HINT)
    return tuple(names), np.array(colours, dtype=np.uint8)


def colours_for(count: int) -> np.ndarray:
    """`count` colours that differ clearly, as uint8 [count, 3]: those of a model without a palette of its own."""
    return np.array(default_palette(count), dtype=np.uint8)


def find_splits(root: Path) -> list[str]:
    """The folders in `root` that hold images/ and labels/ themselves, by name."""
    if not root.is_dir():
        return []
    return sorted(path.name for path in root.iterdir() if (path / "images").is_dir() and (path / "labels").is_dir())


def _largest_id(path: Path, faults: list[Fault]) -> int:
    """0 for a label that cannot be read, which becomes one of the `faults`."""
    try:
        label = decode_label(path, path)
    except InvalidDataError as error:
        faults.append(Fault(str(path), without_name(error.message, path)))
        return 0
    return int(label[label != IGNORED].max(initial=0))
