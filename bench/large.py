"""Memory and time against the size of one image: `python bench/large.py --json results/large.json`.

Every size runs in a process of its own, which reports the most memory it ever held. The image lies in that memory, 3
bytes a pixel, and so does the map, one byte a pixel; the rest is the model, a few windows, and the rows that windows
share.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

import veilseg
from veilseg.ciphers import EncryptedImage
from veilseg.data.scenes import generate_scene
from veilseg.evaluation.provenance import provenance
from veilseg.evaluation.report import write_json
from veilseg.runtime import Segmenter
from veilseg.scale import ORIGINAL


def measure(megapixels: float) -> dict[str, float]:
    """Segment one image of that size, 4:3, made of one scene over and over: megapixels, seconds, MiB."""
    height = round((megapixels * 1e6 * 3 / 4) ** 0.5) // 48 * 48
    width = height * 4 // 3 // 48 * 48
    scene = veilseg.cipher("subblock-sort").encrypt(generate_scene(0, size=(480, 624)).image, longer_side=ORIGINAL)
    tiled = np.empty((height, width, 3), np.uint8)
    for y in range(0, height, 480):
        for x in range(0, width, 624):
            part = tiled[y : y + 480, x : x + 624]
            part[:] = scene.pixels[: part.shape[0], : part.shape[1]]
    image = EncryptedImage(tiled, dataclasses.replace(scene.header, height=height, width=width))
    segmenter = Segmenter("default")
    segmenter.segment(scene)
    start = time.perf_counter()
    labels = segmenter.segment(image)
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    own = (image.pixels.nbytes + labels.nbytes) / 2**20
    return {
        "megapixels": round(height * width / 1e6, 2),
        "seconds": round(seconds, 2),
        "mib_peak": round(peak, 1),
        "mib_image_and_map": round(own, 1),
    }


def main() -> None:
    """Measure, print, and write where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--sizes", type=float, nargs="+", default=[0.1, 1, 4, 16, 64], metavar="MEGAPIXELS")
    parser.add_argument("--one", type=float, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one is not None:
        print(json.dumps(measure(given.one)))
        return
    rows = []
    for size in given.sizes:
        command = [sys.executable, __file__, "--one", str(size)]
        rows.append(json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout))
        print(rows[-1])
    if given.json is not None:
        write_json(given.json, {"sizes": rows, **provenance()}, overwrite=True)


if __name__ == "__main__":
    main()
