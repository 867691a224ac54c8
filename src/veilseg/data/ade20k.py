"""ADE20K's scene parsing benchmark [Zhou 2017]: 150 classes, in a folder or its zip."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from veilseg.data.base import IGNORED
from veilseg.data.trees import Files, TreeData, open_tree
from veilseg.errors import InvalidDataError
from veilseg.modelconfig import default_palette

_NAMES = """
wall, building, sky, floor, tree, ceiling, road, bed, windowpane, grass, cabinet, sidewalk, person, earth, door,
table, mountain, plant, curtain, chair, car, water, painting, sofa, shelf, house, sea, mirror, rug, field, armchair,
seat, fence, desk, rock, wardrobe, lamp, bathtub, railing, cushion, base, box, column, signboard, chest of drawers,
counter, sand, sink, skyscraper, fireplace, refrigerator, grandstand, path, stairs, runway, case, pool table,
pillow, screen door, stairway, river, bridge, bookcase, blind, coffee table, toilet, flower, book, hill, bench,
countertop, stove, palm, kitchen island, computer, swivel chair, boat, bar, arcade machine, hovel, bus, towel,
light, truck, tower, chandelier, awning, streetlight, booth, television receiver, airplane, dirt track, apparel,
pole, land, bannister, escalator, ottoman, bottle, buffet, poster, stage, van, ship, fountain, conveyer belt,
canopy, washer, plaything, swimming pool, stool, barrel, basket, waterfall, tent, bag, minibike, cradle, oven, ball,
food, step, tank, trade name, microwave, pot, animal, bicycle, lake, dishwasher, screen, blanket, sculpture, hood,
sconce, vase, traffic light, tray, ashcan, fan, pier, crt screen, plate, monitor, bulletin board, shower, radiator,
glass, clock, flag
"""
ADE20K_CLASSES = tuple(" ".join(name.split()) for name in _NAMES.split(","))
_IDS = np.array([IGNORED, *range(254), IGNORED], np.uint8)
FOLDERS = {"train": "training", "val": "validation"}
ROOT = "ADEChallengeData2016"


def open_ade20k(root: Path, split: str = "val") -> TreeData:
    """One split of ADEChallengeData2016. Label 0 (other) is 255, the 150 classes shift down by one, 255 stays.

    `root` holds ADEChallengeData2016/ or its zip, or is that folder itself. Raises InvalidDataError when they, the
    split, or labels are missing.
    """
    if split not in FOLDERS:
        raise InvalidDataError(f"ade20k has no split {split!r}", f"one of {', '.join(FOLDERS)}")
    tree = open_tree(root.parent if root.name == ROOT else root, ROOT, f"{ROOT}.zip")
    return TreeData(
        f"ade20k/{split}",
        Files(tree, f"{ROOT}/images/{FOLDERS[split]}/", ".jpg"),
        Files(tree, f"{ROOT}/annotations/{FOLDERS[split]}/", ".png"),
        _IDS,
        classes=ADE20K_CLASSES,
        palette=np.array(default_palette(len(ADE20K_CLASSES)), np.uint8),
    )
