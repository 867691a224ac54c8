"""How many cells of photographs that were JPEGs before they were encrypted are recovered to the pixel.

Usage: `python bench/jpeg.py DATA --json results/jpeg.json`; DATA as for `veilseg evaluate`, at least 100 images. The
photographs are JPEGs whose tables are known, with colour at half or full resolution, encrypted as they are or after the
reduction to a working size. A cell that has one value alone needs no attack; those are counted apart. Bounds are 95 %
of a bootstrap over photographs.
"""

from __future__ import annotations

import argparse
from io import BytesIO
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from veilseg.audit.attacks.jpeg import Table, exact, list_blocks, recover
from veilseg.audit.intervals import bootstrap
from veilseg.audit.samples import open_samples
from veilseg.audit.victim import Victim
from veilseg.ciphers import cipher
from veilseg.evaluation.provenance import provenance
from veilseg.evaluation.report import write_json
from veilseg.scale import reduce_photograph

COMMAND = "python bench/jpeg.py DATA --json results/jpeg.json"
QUALITIES = (50, 75)
COLOUR = {"half": 2, "full": 0}
"""Pillow's numbers for the resolution of colour, beside that of brightness."""
SIDES = (4, 8, 12, 16)
REDUCED = 320
"""Pixels of the longer side of photographs that are reduced first, from 480."""
Pixels = NDArray[np.uint8]


def compressed(image: Pixels, quality: int, colour: int) -> tuple[Pixels, NDArray[np.int64]]:
    """The photograph after JPEG, and the table of its luminance, by rows of vertical frequency."""
    file = BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=quality, subsampling=colour)
    decoded = Image.open(file)
    steps = np.array(decoded.quantization[0], np.int64).reshape(8, 8)  # type: ignore[attr-defined]
    return np.asarray(decoded), steps


def measure(side: int, images: list[Pixels], table: Table) -> dict[str, Any]:
    """Shares of cells: right to the pixel, of those the flat ones, and looked up wrongly."""
    chosen = cipher("subblock-sort", None, side)
    counts = []
    for image in images:
        whole = image[: len(image) // side * side, : image.shape[1] // side * side]
        found = recover(chosen, Victim(chosen, 0).encrypt(whole), table)
        rows, columns = (extent // side for extent in whole.shape[:2])
        greys, flat = found.greys[:rows, :columns], found.flat[:rows, :columns]
        right = exact(type(found)(greys, flat), whole, side)
        claimed = ~np.isnan(greys[..., 0])
        counts.append([rows * columns, right.sum(), (right & flat).sum(), (claimed & ~right).sum()])
    total = np.array(counts, np.float64)
    cells, _, flat, wrong = total.sum(axis=0)
    return {
        "cell": side,
        "cells": int(cells),
        "exact": bootstrap(total[:, :2]),
        "flat": round(float(flat / cells), 4),
        "wrong": round(float(wrong / cells), 4),
    }


def main() -> None:
    """Measure, print, and write where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("--limit", type=int, default=101)
    parser.add_argument("--qualities", type=int, nargs="+", default=QUALITIES)
    parser.add_argument("--json", type=Path, metavar="FILE")
    given = parser.parse_args()
    facts = provenance(COMMAND, 0)
    samples = open_samples(given.data, given.limit)
    rows = []
    for quality, colour in product(given.qualities, COLOUR):
        parts = [compressed(sample.image, quality, COLOUR[colour]) for sample in samples]
        table = list_blocks(parts[0][1])
        pictures = [picture for picture, _ in parts]
        small = [reduce_photograph(picture, REDUCED) for picture in pictures]
        for name, images, sides in (("as it is", pictures, SIDES), ("reduced first", small, (8,))):
            for side in sides:
                about = {"quality": quality, "colour": colour, "photograph": name}
                rows.append({**about, **measure(side, images, table)})
                print(rows[-1], flush=True)
    if given.json is not None:
        facts |= {"images": len(samples), "data": given.data.partition(":")[0]}
        write_json(given.json, {**facts, "rows": rows}, overwrite=True)


if __name__ == "__main__":
    main()
