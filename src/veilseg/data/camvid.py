"""CamVid (Cambridge driving video) in the layout of the SegNet tutorial: train/ + trainannot/, val/ + valannot/, ...

[Brostow 2009]; for research use.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from veilseg.data.base import PairedFiles
from veilseg.errors import InvalidDataError

_COLOURS = {
    "sky": (128, 128, 128),
    "building": (128, 0, 0),
    "pole": (192, 192, 128),
    "road": (128, 64, 128),
    "pavement": (60, 40, 222),
    "tree": (128, 128, 0),
    "sign": (192, 128, 128),
    "fence": (64, 64, 128),
    "car": (64, 0, 128),
    "pedestrian": (64, 64, 0),
    "bicyclist": (0, 128, 192),
}
CAMVID_CLASSES = tuple(_COLOURS)
CAMVID_PALETTE = np.array(list(_COLOURS.values()), np.uint8)
CAMVID_PALETTE.setflags(write=False)

VOID = 11
"""CamVid's own id for unlabelled pixels."""

_LAYOUT = "expected DIR/val/ and DIR/valannot/, the SegNet tutorial's layout; your own data is folder:DIR"


def open_camvid(root: Path, split: str | None = None) -> PairedFiles:
    """The `split` (default "val") of the CamVid at `root`; void pixels are 255.

    Raises InvalidDataError when the folder or the split does not exist, naming the splits that do.
    """
    split = split or "val"
    if not root.is_dir():
        raise InvalidDataError(f"camvid: there is no folder {root}", _LAYOUT)
    splits = sorted(path.name for path in root.iterdir() if path.is_dir() and (root / f"{path.name}annot").is_dir())
    if split not in splits:
        found = f"found: {', '.join(splits)}" if splits else _LAYOUT
        raise InvalidDataError(f"camvid: {root} has no split {split!r}", hint=found)
    return PairedFiles(
        f"camvid/{split}",
        root / split,
        root / f"{split}annot",
        classes=CAMVID_CLASSES,
        palette=CAMVID_PALETTE,
        ignore=VOID,
    )
