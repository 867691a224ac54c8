"""How near a network that learned from encrypted photographs comes to others, beside what a mosaic would give.

Usage: `python bench/reconstruction.py camvid:DIR --json results/reconstruction.json`. It learns from photographs of the
part `train` and draws all of `val`. For every side of a cell a network learns twice, as long: from all that
`subblock-sort` shows, and from the cells' means alone. Rank-placement, the best attack without training, stands beside
them. SSIM and PSNR (dB) of the grey pictures, with 95 % of a bootstrap over photographs. Every side is measured by a
process of one core.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch

from veilseg.audit.attacks.unet import Seen, all_values, draw, means_alone, train
from veilseg.audit.base import Pixels, Stored
from veilseg.audit.intervals import bootstrap
from veilseg.audit.picture import as_pixels, grey
from veilseg.audit.scoring import compare
from veilseg.ciphers import Cipher, cipher
from veilseg.ciphers.plain import pad
from veilseg.data import SegmentationData, open_data
from veilseg.evaluation.provenance import provenance
from veilseg.evaluation.report import write_json

COMMAND = "python bench/reconstruction.py camvid:DIR --json results/reconstruction.json"
SIDES = (4, 8, 12, 16)
#: What a network sees, and the attack without training whose picture it starts from.
SEES = {"sort": (all_values, "rank-placement"), "means": (means_alone, "thumbnail")}
NEAR = ("ssim", "psnr")


def learned(data: SegmentationData, chosen: Cipher, count: int, seed: int) -> list[Pixels]:
    """Photographs to learn from, each cut where its cells begin: an even number of whole blocks both ways."""
    rng = np.random.default_rng(seed)
    unit = 2 * chosen.spec.block
    cut = []
    for index in rng.permutation(len(data))[:count].tolist():
        image = data[index].image
        top, left = (int(rng.integers(chosen.spec.cell)) for _ in range(2))
        height, width = ((length - at) // unit * unit for length, at in zip(image.shape, (top, left), strict=False))
        cut.append(np.ascontiguousarray(image[top : top + height, left : left + width]))
    return cut


def scores(pictures: list[Pixels], truths: list[Pixels]) -> dict[str, list[float]]:
    """{"ssim": [mean, low, high], "psnr": ...} of pictures that may be larger than the truth."""
    found = []
    for picture, truth in zip(pictures, truths, strict=True):
        near = compare(np.ascontiguousarray(picture[: truth.shape[0], : truth.shape[1]]), truth)
        found.append((near.ssim, near.psnr))
    columns = zip(NEAR, np.array(found).T, strict=True)
    return {name: bootstrap([[1, value] for value in column]) for name, column in columns}


def seen(chosen: Cipher, see: Callable[[Cipher, Stored], Seen], images: list[Pixels]) -> list[Seen]:
    """What the encrypted photographs show."""
    block = chosen.spec.block
    return [see(chosen, chosen.encrypt_pixels(pad(image, block), None, None)) for image in images]


def measure(side: int, given: argparse.Namespace) -> dict[str, Any]:
    """All figures of one side of a cell."""
    torch.set_num_threads(1)
    data = {split: open_data(given.data, split) for split in ("train", "val")}
    chosen = cipher("subblock-sort", None, side)
    own = learned(data["train"], chosen, given.photographs, given.seed)
    count = min(len(data["val"]), given.limit)
    truths = [data["val"][index].image for index in range(count)]
    row: dict[str, Any] = {"cell": chosen.spec.cell, "steps": given.steps}
    for name, (see, start) in SEES.items():
        begun = time.process_time()
        greys = [(grey(image) / 255).astype(np.float32) for image in own]
        network = train(seen(chosen, see, own), greys, steps=given.steps, seed=given.seed)
        spent = round(time.process_time() - begun)
        theirs = seen(chosen, see, truths)
        weights = sum(part.numel() for part in network.parameters())
        row[start] = scores([as_pixels(one.pictures.mean(axis=0) * 255) for one in theirs], truths)
        row[name] = {
            **scores([draw(network, one) for one in theirs], truths),
            "weights": weights,
            "core_seconds": spent,
        }
    return row


def main() -> None:
    """Measure, print, and write where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("--sides", type=int, nargs="+", default=list(SIDES))
    parser.add_argument("--steps", type=int, default=2500)
    parser.add_argument("--photographs", type=int, default=150, help="to learn from")
    parser.add_argument("--limit", type=int, default=101, help="photographs to draw")
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, metavar="FILE")
    given = parser.parse_args()
    facts = provenance(COMMAND, given.seed)  # before a result is written, which may be a file of the checkout
    facts |= {"data": given.data.partition(":")[0], "photographs": given.photographs, "drawn": given.limit}
    rows: list[dict[str, Any]] = []
    with ProcessPoolExecutor(given.processes, get_context("spawn")) as pool:
        running = [pool.submit(measure, side, given) for side in given.sides]
        for done in as_completed(running):
            rows = sorted([*rows, done.result()], key=lambda row: row["cell"])
            print(done.result(), flush=True)
            if given.json is not None:
                write_json(given.json, {**facts, "rows": rows}, overwrite=True)


if __name__ == "__main__":
    main()
