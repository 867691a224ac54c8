"""How often a car or person is found again in a later frame among twenty of its class, behind the ciphers.

Usage: `python bench/reidentification.py FOLDER --json results/reidentification.json`; FOLDER is CamVid's, with train/,
trainannot/, val/ and valannot/. Objects are connected parts of a class's labels. In the hundred frames of the drive
0016E5 that are two apart (a fifteenth of a second) one object is followed by the overlap of its labels, which is the
truth. The nineteen others are of the same class, in the same later frame or at least three seconds away in the same
drive. Bounds are 95 % of a bootstrap over objects followed; chance is 5 %.
"""

from __future__ import annotations

import argparse
import re
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from veilseg.audit.attacks.reidentify import describe, likeliest
from veilseg.audit.intervals import bootstrap
from veilseg.audit.readers.features import cells
from veilseg.audit.victim import Victim
from veilseg.ciphers import Cipher, cipher
from veilseg.evaluation.provenance import provenance
from veilseg.evaluation.report import write_json
from veilseg.images import open_image

COMMAND = "python bench/reidentification.py FOLDER --json results/reidentification.json"
DRIVE = "0016E5"
CLASSES = {"car": 8, "pedestrian": 9, "bicyclist": 10}
SMALLEST = 120
"""Pixels of an object."""
OVERLAP = 0.5
"""Of one object's labels in frames two apart: shared pixels by those of either."""
GAPS = (2, 10, 20)
"""Frames from the image in which an object is known to the one in which it is looked for, at thirty a second."""
FAR = 90
"""Frames after which an object counts as another."""
AMONG = 20


@dataclass
class Thing:
    """One object in one frame: where it is, which object followed it is, and what it looks like by cipher and cell."""

    frame: int
    kind: str
    mask: NDArray[np.bool_]
    track: int
    looks: dict[tuple[str, int], NDArray[np.float64]] = field(default_factory=dict)


def follow(folder: Path) -> tuple[dict[int, Path], list[Thing]]:
    """The drive's photographs by frame, and every object in them with its track."""
    from scipy.ndimage import label

    paths = {int(re.sub(r"\D", "", path.stem.split("_")[1])): path for path in folder.glob(f"*/{DRIVE}_*.png")
             if not path.parent.name.endswith("annot")}  # fmt: skip
    things: list[Thing] = []
    before: list[Thing] = []
    for frame in sorted(paths):
        labels = np.asarray(Image.open(folder / f"{paths[frame].parent.name}annot" / paths[frame].name))
        now: list[Thing] = []
        for kind, number in CLASSES.items():
            parts, count = label(labels == number)
            for mask in (parts == part for part in range(1, count + 1)):
                if mask.sum() >= SMALLEST:
                    now.append(Thing(frame, kind, mask, len(things) + len(now)))
                    same = [one for one in before if one.kind == kind and frame - one.frame == GAPS[0]]
                    shared = [(one.mask & mask).sum() / (one.mask | mask).sum() for one in same]
                    if shared and max(shared) > OVERLAP:
                        now[-1].track = same[int(np.argmax(shared))].track
        things += now
        before = now
    return paths, things


def look(chosen: list[Cipher], paths: dict[int, Path], things: list[Thing]) -> None:
    """Describe every object behind every cipher."""
    for frame, path in paths.items():
        here = [thing for thing in things if thing.frame == frame]
        image = open_image(path)
        for one in chosen if here else []:
            grid = cells(one, Victim(one, 0).encrypt(image))
            for thing in here:
                thing.looks[one.name, one.spec.cell] = describe(grid, thing.mask, one.spec.cell)


def measure(way: tuple[str, int], gap: int, things: list[Thing], seed: int) -> dict[str, Any]:
    """The share found again behind one cipher, of all classes and of each."""
    rng = np.random.default_rng([seed, gap])
    spread = {kind: np.std([one.looks[way] for one in things if one.kind == kind], axis=0) for kind in CLASSES}
    right: dict[int, list[bool]] = {}
    kinds: dict[str, list[bool]] = {kind: [] for kind in CLASSES}
    followed = {(one.track, one.frame): one for one in things}
    for asked in things:
        target = followed.get((asked.track, asked.frame + gap))
        if target is None:
            continue
        near = [one for one in things if one.kind == asked.kind and one.track != asked.track]
        beside = [one for one in near if one.frame == target.frame]
        far = [one for one in near if abs(one.frame - target.frame) >= FAR]
        drawn = rng.permutation(len(far))[: max(0, AMONG - 1 - len(beside))]
        others = (beside + [far[i] for i in drawn])[: AMONG - 1]
        found = likeliest(asked.looks[way], np.array([one.looks[way] for one in (target, *others)]), spread[asked.kind])
        right.setdefault(asked.track, []).append(found == 0)
        kinds[asked.kind].append(found == 0)
    return {
        "cipher": way[0],
        "cell": way[1],
        "frames_later": gap,
        "found": bootstrap([[len(found), sum(found)] for found in right.values()]),
        "objects": len(right),
        "pairs": sum(map(len, right.values())),
        "classes": {kind: [round(float(np.mean(found)), 4), len(found)] for kind, found in kinds.items() if found},
    }


def main() -> None:
    """Measure, print, and write where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, metavar="FILE")
    given = parser.parse_args()
    facts = provenance(COMMAND, given.seed)
    chosen = [cipher(name, None, side) for side, name in product((4, 8, 12, 16), ("subblock-sort", "mosaic"))]
    paths, things = follow(given.folder)
    look(chosen, paths, things)
    rows = []
    for one, gap in product(chosen, GAPS):
        rows.append(measure((one.name, one.spec.cell), gap, things, given.seed))
        print(rows[-1], flush=True)
    heights = {kind: [int(one.mask.any(axis=1).sum()) for one in things if one.kind == kind] for kind in CLASSES}
    facts |= {"things": len(things), "median_height": {kind: float(np.median(all_)) for kind, all_ in heights.items()}}
    if given.json is not None:
        write_json(given.json, {**facts, "among": AMONG, "data": f"camvid, {DRIVE}", "rows": rows}, overwrite=True)


if __name__ == "__main__":
    main()
