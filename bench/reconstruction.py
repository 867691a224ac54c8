"""How near a network that learned from encrypted photographs comes to others, beside what a mosaic would give.

Usage: `python bench/reconstruction.py DATA TRAIN --json results/reconstruction.json`; DATA as for `veilseg evaluate`,
at least 100 images, TRAIN a folder of photographs to learn from. For every size of cell the network learns twice, from
all that the sorted cells show and from their means alone; rank-placement, the best attack without training, stands
beside it. SSIM and PSNR of the grey pictures, with 95 % of a bootstrap over photographs.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from veilseg.audit.attacks.rank_placement import RankPlacement
from veilseg.audit.attacks.unet import all_values, draw, means_alone, train
from veilseg.audit.base import Evidence
from veilseg.audit.samples import AuditSample, open_samples
from veilseg.audit.scoring import compare
from veilseg.audit.victim import Victim
from veilseg.ciphers import cipher
from veilseg.evaluation.provenance import provenance
from veilseg.evaluation.report import write_json

COMMAND = "python bench/reconstruction.py DATA TRAIN --json results/reconstruction.json"
RESAMPLED = 1000
SEES = {"sorted cells": all_values, "means alone": means_alone}


def scores(pictures: list[Any], samples: list[AuditSample]) -> dict[str, Any]:
    """{"ssim": [mean, low, high], "psnr": ...} of pictures; those of whole blocks may be larger."""
    found = []
    for picture, sample in zip(pictures, samples, strict=True):
        height, width = sample.image.shape[:2]
        near = compare(np.ascontiguousarray(picture[:height, :width]), sample.image)
        found.append((near.ssim, near.psnr))
    values = np.array(found)
    drawn = np.random.default_rng(0).integers(len(values), size=(RESAMPLED, len(values)))
    low, high = np.quantile(values[drawn].mean(axis=1), (0.025, 0.975), axis=0)
    parts = zip(("ssim", "psnr"), values.mean(axis=0), low, high, strict=True)
    return {name: [round(float(value), 4) for value in bounds] for name, *bounds in parts}


def measure(side: int, samples: list[AuditSample], photographs: list[Any], steps: int, seed: int) -> dict[str, Any]:
    """All figures of one size of cell."""
    chosen = cipher("subblock-sort", None, side)
    sent = tuple(Victim(chosen, 0).encrypt(sample.image) for sample in samples)
    row: dict[str, Any] = {"cell": side}
    row["rank-placement"] = scores(RankPlacement().run(Evidence(chosen, sent)).reconstructions["grey"], samples)
    for name, see in SEES.items():
        begun = time.process_time()
        network = train(chosen, photographs, see, steps=steps, seed=seed, progress=lambda step, loss: None)
        spent = time.process_time() - begun
        found = scores([draw(network, see(chosen, stored)) for stored in sent], samples)
        weights = sum(part.numel() for part in network.parameters())
        row[name] = {**found, "weights": weights, "core_seconds": round(spent)}
    return row


def main() -> None:
    """Measure, print, and write where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("train")
    parser.add_argument("--limit", type=int, default=101)
    parser.add_argument("--sides", type=int, nargs="+", default=[4, 8, 12, 16])
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, metavar="FILE")
    given = parser.parse_args()
    torch.set_num_threads(1)
    facts = provenance(COMMAND, given.seed)  # before a result is written, which may be a file of the checkout
    samples = open_samples(given.data, given.limit)
    photographs = [sample.image for sample in open_samples(given.train, 10_000)]
    facts |= {"images": len(samples), "learned_from": len(photographs), "data": given.data.partition(":")[0]}
    rows = []
    for side in given.sides:
        rows.append(measure(side, samples, photographs, given.steps, given.seed))
        print(rows[-1], flush=True)
        if given.json is not None:
            write_json(given.json, {**facts, "steps": given.steps, "rows": rows}, overwrite=True)


if __name__ == "__main__":
    main()
