"""Cityscapes [Cordts 2016] as it is distributed, in folders or zips; the 19 classes of its benchmark."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from veilseg.data.base import IGNORED
from veilseg.data.trees import Files, TreeData, open_tree
from veilseg.errors import InvalidDataError, UsageError

# name: (label id in the files, colour); the order gives the train ids 0 to 18
_CLASSES = {
    "road": (7, (128, 64, 128)),
    "sidewalk": (8, (244, 35, 232)),
    "building": (11, (70, 70, 70)),
    "wall": (12, (102, 102, 156)),
    "fence": (13, (190, 153, 153)),
    "pole": (17, (153, 153, 153)),
    "traffic light": (19, (250, 170, 30)),
    "traffic sign": (20, (220, 220, 0)),
    "vegetation": (21, (107, 142, 35)),
    "terrain": (22, (152, 251, 152)),
    "sky": (23, (70, 130, 180)),
    "person": (24, (220, 20, 60)),
    "rider": (25, (255, 0, 0)),
    "car": (26, (0, 0, 142)),
    "truck": (27, (0, 0, 70)),
    "bus": (28, (0, 60, 100)),
    "train": (31, (0, 80, 100)),
    "motorcycle": (32, (0, 0, 230)),
    "bicycle": (33, (119, 11, 32)),
}
CITYSCAPES_CLASSES = tuple(_CLASSES)
CITYSCAPES_PALETTE = np.array([colour for _, colour in _CLASSES.values()], np.uint8)
_IDS = np.array([label for label, _ in _CLASSES.values()], np.uint8)
_TRAIN_IDS = np.full(256, IGNORED, np.uint8)
_TRAIN_IDS[_IDS] = np.arange(len(_IDS), dtype=np.uint8)
SPLITS = ("train", "val", "test")


def open_cityscapes(root: Path, split: str = "val") -> TreeData:
    """One split: leftImg8bit and gtFine, read in place. Labels are train ids; everything else is 255.

    The test split has no labels of use: every pixel of it is 255. Samples are named city_sequence_frame. Raises
    InvalidDataError when folders and zips, the split, or labels are missing.
    """
    if split not in SPLITS:
        raise InvalidDataError(f"cityscapes has no split {split!r}", f"one of {', '.join(SPLITS)}")
    images, labels = (open_tree(root, folder, f"{folder}_trainvaltest.zip") for folder in ("leftImg8bit", "gtFine"))
    return TreeData(
        f"cityscapes/{split}",
        Files(images, f"leftImg8bit/{split}/", "_leftImg8bit.png"),
        Files(labels, f"gtFine/{split}/", "_gtFine_labelIds.png"),
        _TRAIN_IDS,
        classes=CITYSCAPES_CLASSES,
        palette=CITYSCAPES_PALETTE,
    )


def label_ids(labels: np.ndarray, classes: tuple[str, ...]) -> np.ndarray:
    """Train ids, uint8 [H, W] of 0..18, as the label ids that Cityscapes' evaluation server wants, uint8 [H, W].

    `classes` are those of the model that made the map; raises UsageError when they are not Cityscapes'.
    """
    if classes != CITYSCAPES_CLASSES:
        raise UsageError("this model does not know the 19 classes of Cityscapes", "leave --cityscapes-ids out")
    return np.asarray(_IDS[labels])
