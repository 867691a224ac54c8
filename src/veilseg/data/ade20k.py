"""ADE20K's scene parsing benchmark (Zhou et al., CVPR 2017): 150 classes, in a folder or its zip."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from veilseg.data.base import IGNORED, Sample, check_sizes, decode_image, decode_label
from veilseg.data.trees import open_tree
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
FOLDERS = {"train": "training", "val": "validation"}
ROOT = "ADEChallengeData2016"


class Ade20kData:
    """One split of ADEChallengeData2016. Label 0 (other) is 255, the 150 classes shift down by one, 255 stays."""

    def __init__(self, root: Path, split: str = "val") -> None:
        """Lists the files; `root` holds ADEChallengeData2016/ or its zip, or is that folder itself.

        Raises InvalidDataError when they, the split, or labels are missing.
        """
        if split not in FOLDERS:
            raise InvalidDataError(f"ade20k has no split {split!r}", f"one of {', '.join(FOLDERS)}")
        self.name = f"ade20k/{split}"
        self.classes: tuple[str, ...] = ADE20K_CLASSES
        self.palette: np.ndarray = np.array(default_palette(len(ADE20K_CLASSES)), np.uint8)
        self._tree = open_tree(root.parent if root.name == ROOT else root, ROOT, f"{ROOT}.zip")
        names = self._tree.names()
        self._images = f"{ROOT}/images/{FOLDERS[split]}/"
        self._labels = f"{ROOT}/annotations/{FOLDERS[split]}/"
        self.stems = [
            name.removeprefix(self._images).removesuffix(".jpg")
            for name in names
            if name.startswith(self._images) and name.endswith(".jpg")
        ]
        if not self.stems:
            raise InvalidDataError(f"{self.name}: there are no files {self._images}*.jpg", f"found nothing in {root}")
        known = set(names)
        lonely = [stem for stem in self.stems if f"{self._labels}{stem}.png" not in known]
        if lonely:
            raise InvalidDataError(f"{self.name}: {len(lonely)} images have no label, the first is {lonely[0]}")

    def __len__(self) -> int:
        return len(self.stems)

    def __getitem__(self, index: int) -> Sample:
        """The pair at `index`; InvalidDataError when a file is damaged or sizes differ."""
        stem = self.stems[index]
        image = decode_image(self._tree.read(f"{self._images}{stem}.jpg"), stem)
        label = decode_label(self._tree.read(f"{self._labels}{stem}.png"), stem)
        check_sizes(stem, image, label)
        # uint8 arithmetic turns 0 into 255, which is what it shall be
        return Sample(stem, image, np.where(label == IGNORED, np.uint8(IGNORED), label - np.uint8(1)))
