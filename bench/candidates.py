"""What noise before encryption, or fewer bits, cost the default model, and what they take from the trained reader.

Usage: `python bench/candidates.py DATA --json results/candidates.json`; DATA as for `veilseg evaluate`, by whose labels
mIoU is measured. Nothing is trained again: neither the model nor the reader has seen noise, so both could do better.
Plates are drawn with letters of two to three cells, which is where a reader begins to read.
"""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from veilseg.audit.readers.fonts import LEARNED, find_fonts
from veilseg.audit.readers.measure import read_plate
from veilseg.audit.readers.rates import rates
from veilseg.audit.readers.reader import shipped
from veilseg.audit.readers.training import shift
from veilseg.audit.readers.writing import draw_line
from veilseg.ciphers import cipher
from veilseg.data import open_data
from veilseg.data.base import Sample, SegmentationData
from veilseg.evaluation.evaluate import evaluate
from veilseg.evaluation.provenance import provenance
from veilseg.evaluation.report import write_json
from veilseg.runtime import Segmenter

COMMAND = "python bench/candidates.py DATA --json results/candidates.json"
MODEL, SIDE = "default", 12
CELLS = (2.0, 3.0)
Pixels = NDArray[np.uint8]
Change = Callable[[Pixels, np.random.Generator], Pixels]


def noise(strength: float) -> Change:
    """Gaussian noise of so many grey levels."""

    def add(image: Pixels, rng: np.random.Generator) -> Pixels:
        return np.asarray(np.clip(image + rng.normal(0, strength, image.shape), 0, 255).round(), np.uint8)

    return add


def bits(count: int) -> Change:
    """So many bits a value, each at the middle of what it stands for."""

    def cut(image: Pixels, rng: np.random.Generator) -> Pixels:
        step = 256 // 2**count
        return np.asarray(image // step * step + step // 2, np.uint8)

    return cut


CHANGES: dict[str, Change] = {
    "none": lambda image, rng: image,
    "noise of 24": noise(24),
    "4 bits": bits(4),
}


class Changed:
    """A dataset whose images were changed before they are encrypted."""

    def __init__(self, data: SegmentationData, change: Change) -> None:
        self._data, self._change = data, change
        self.name, self.classes, self.palette = data.name, data.classes, data.palette

    def __len__(self) -> int:
        return len(self._data)

    def __getitem__(self, index: int) -> Sample:
        sample = self._data[index]
        return dataclasses.replace(sample, image=self._change(sample.image, np.random.default_rng(index)))


def read(change: Change, side: int, plates: int) -> dict[str, Any]:
    """The reader's rates of drawn plates."""
    rng, fonts = np.random.default_rng([side, 5]), find_fonts(LEARNED)
    lines = []
    for _ in range(plates):
        height = side * rng.uniform(*CELLS)
        picture, line = draw_line(rng, str(rng.choice(fonts)), height, side, country="British")
        moved, place = shift(picture, line.place, side, rng)
        seen = change(moved, np.random.default_rng(0))
        lines.append(
            read_plate(shipped(), cipher("subblock-sort", side, side), seen, dataclasses.replace(line, place=place))
        )
    return rates(lines)


def main() -> None:
    """Measure, print, and write where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("--plates", type=int, default=200)
    parser.add_argument("--limit", type=int)
    parser.add_argument("--json", type=Path, metavar="FILE")
    given = parser.parse_args()
    facts = {**provenance(COMMAND, 0), "data": given.data.partition(":")[0]}
    data, rows = open_data(given.data), []
    segmenter = Segmenter(MODEL)
    for name, change in CHANGES.items():
        scores = evaluate(segmenter, Changed(data, change), limit=given.limit, progress=False).scores
        rows.append({"change": name, "mIoU": round(scores["mIoU"], 2), "read": read(change, SIDE, given.plates)})
        print(rows[-1], flush=True)
    if given.json is not None:
        facts |= {"model": MODEL, "cell": SIDE, "cells_a_letter": CELLS}
        write_json(given.json, {**facts, "rows": rows}, overwrite=True)


if __name__ == "__main__":
    main()
