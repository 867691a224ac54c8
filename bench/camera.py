"""How often two cameras are told apart by their encrypted photographs, for cells and strengths of the sensors' pattern.

Usage: `python bench/camera.py DATA --json results/camera.json`; DATA as for `veilseg evaluate`, at least 100 images.
Sensors are drawn: a pixel's sensitivity is 1 + p * normal. Half of the photographs, taken by either camera, make the
fingerprints; the others are told apart, each as if taken by the one and by the other. Patterns are those of the picture
as it is encrypted ("480"), or of a sensor with twice its sides that the working size averages ("960 reduced").
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from veilseg.audit.attacks.camera import fingerprint, likeness
from veilseg.audit.samples import open_samples
from veilseg.audit.victim import Victim
from veilseg.ciphers import Cipher, cipher
from veilseg.evaluation.provenance import provenance
from veilseg.evaluation.report import write_json

COMMAND = "python bench/camera.py DATA --json results/camera.json"
STRENGTHS = (0.01, 0.02)
DRAWS = 3
SENSORS = {"480": 1, "960 reduced": 2}


def sensor(shape: tuple[int, ...], strength: float, finer: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """The sensitivity of every pixel [H, W, 1] of a sensor that has `finer` times the sides."""
    height, width = shape[:2]
    pattern = 1 + strength * rng.standard_normal((height, finer, width, finer))
    return np.asarray(pattern.mean(axis=(1, 3))[..., None])


def measure(chosen: Cipher, images: list[NDArray[np.uint8]], strength: float, finer: int) -> dict[str, Any]:
    """The share of photographs given to the right one of two cameras."""
    victim, rng = Victim(chosen, 0), np.random.default_rng(0)
    side, right, total = chosen.spec.cell, 0, 0

    def taken(image: NDArray[np.uint8], pattern: NDArray[np.float64]) -> Any:
        exposed = np.clip(image * pattern + rng.normal(0, 1, image.shape), 0, 255)
        return victim.encrypt(exposed.round().astype(np.uint8))

    for _ in range(DRAWS):
        cameras = [sensor(images[0].shape, strength, finer, rng) for _ in range(2)]
        order = rng.permutation(len(images))
        known, asked = order[: len(order) // 2], order[len(order) // 2 :]
        halves = (known[::2], known[1::2])
        prints = [
            fingerprint([taken(images[i], camera) for i in half], side)
            for half, camera in zip(halves, cameras, strict=True)
        ]
        for index in asked:
            for truth, camera in enumerate(cameras):
                stored = taken(images[index], camera)
                right += int(np.argmax([likeness(stored, one, side) for one in prints])) == truth
                total += 1
    return {"cipher": chosen.name, "cell": side, "right": right, "of": total}


def main() -> None:
    """Measure, print, and write where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("--limit", type=int, default=101)
    parser.add_argument("--json", type=Path, metavar="FILE")
    given = parser.parse_args()
    images = [sample.image for sample in open_samples(given.data, given.limit)]
    rows = []
    for side in (4, 8, 12, 16):
        for name, finer in SENSORS.items():
            for strength in STRENGTHS:
                found = measure(cipher("subblock-sort", None, side), images, strength, finer)
                rows.append({"sensor": name, "strength": strength, **found})
                print(rows[-1], flush=True)
    if given.json is not None:
        facts = {"images": len(images), "data": given.data.partition(":")[0]}
        write_json(given.json, {**facts, "rows": rows, **provenance(COMMAND, 0)}, overwrite=True)


if __name__ == "__main__":
    main()
