"""How near the ciphers come to what they cannot do without: `python bench/ciphers.py --json results/ciphers.json`.

In one run, in turns, on one core and on all: every cipher on arrays, and beside it the parts that no cipher of its kind
can leave out: the keystream alone, a walk that copies every sub-block into a small array and back, a copy of the image;
and the shuffle as one writes it in NumPy.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from veilseg.benchmarks.speed import argsort_shuffle, medians
from veilseg.catalog import of_family
from veilseg.ciphers import Cipher, cipher
from veilseg.ciphers.kernels import engine
from veilseg.ciphers.kernels.jit import jit
from veilseg.ciphers.keystream import Keystream
from veilseg.ciphers.subblock.shuffle import block_bounds
from veilseg.evaluation.provenance import provenance
from veilseg.evaluation.report import write_json
from veilseg.keys import Key
from veilseg.scale import ORIGINAL

BLOCK = 16


@cache
def walk_rows(s: int) -> Any:
    """The kernel for sub-blocks of s pixels a side, a constant in it, so that its loops unroll."""

    @jit
    def kernel(source: Any, out: Any) -> None:
        values = np.empty(3 * s * s, np.uint8)
        for y in range(0, source.shape[0], s):
            for x in range(0, source.shape[1], 3 * s):
                for i in range(s):
                    for j in range(3 * s):
                        values[3 * s * i + j] = source[y + i, x + j]
                for i in range(s):
                    for j in range(3 * s):
                        out[y + i, x + j] = values[3 * s * i + j]

    return kernel


def walk(image: np.ndarray, s: int) -> np.ndarray:
    """The walk over a whole image, in as many threads as a cipher takes."""
    out = np.empty_like(image)
    flat, flat_out = image.reshape(len(image), -1), out.reshape(len(out), -1)

    def work(start: int, stop: int) -> None:
        rows = slice(start * BLOCK, stop * BLOCK)
        walk_rows(s)(flat[rows], flat_out[rows])

    engine.over_rows(work, len(image) // BLOCK, image.shape[0] * image.shape[1])
    return out


def keystream(image: np.ndarray, s: int) -> None:
    """The words that the shuffle of this image takes, and nothing else."""
    count = image.shape[1] // BLOCK * block_bounds(BLOCK, s).shape[1]

    def work(start: int, stop: int) -> None:
        stream = Keystream(bytes(32))
        for row in range(start, stop):
            stream.words(row, count)

    engine.over_rows(work, len(image) // BLOCK, image.shape[0] * image.shape[1])


def measure(
    image: np.ndarray, made: dict[str, Cipher], s: int | None, threads: int, repeats: int
) -> list[dict[str, Any]]:
    """A row for every cipher in `made`, with its parts."""
    os.environ["OMP_NUM_THREADS"] = str(threads)  # what engine.threads asks
    key = Key.generate()
    jobs: dict[str, Callable[[], object]] = {"copy": image.copy, "walk": partial(walk, image, s or BLOCK)}
    if s is not None:
        jobs["argsort"] = partial(argsort_shuffle, image, s)
        jobs["keystream"] = partial(keystream, image, s)
    for name, one in made.items():
        jobs[name] = partial(one.encrypt, image, None if one.key_use == "none" else key, longer_side=ORIGINAL)
    seconds = medians(jobs, repeats)
    rows = []
    for name in made:
        row = {"cipher": name, "sub_block": s or "", "threads": threads, "milliseconds": round(1000 * seconds[name], 1)}
        row["walks"] = round(seconds[name] / seconds["walk"], 1)
        row["copies"] = round(seconds[name] / seconds["copy"], 1)
        if made[name].facts.mechanism == "shuffle":
            row["times_argsort"] = round(seconds["argsort"] / seconds[name], 1)
            row["aes_share"] = round(seconds["keystream"] / seconds[name], 2)
        rows.append(row)
        print(row, flush=True)
    return rows


def main() -> None:
    """Measure, print, and write where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--size", type=int, nargs=2, default=[1024, 2048], metavar=("HEIGHT", "WIDTH"))
    given = parser.parse_args()
    engine.kernels("sort", engine.WORTH_NUMBA)  # a process that goes on, whatever the size of its first image
    image = np.random.default_rng(0).integers(0, 256, (*given.size, 3), dtype=np.uint8)
    rows = []
    for threads in sorted({1, engine.threads()}):
        for s in (4, 8, 16):
            made = {name: cipher(name, BLOCK, s) for name in of_family("key-invariant", "reducing")}
            rows += measure(image, made, s, threads, given.repeats)
        made = {name: cipher(name, BLOCK) for name in of_family("model key")}
        rows += measure(image, made, None, threads, given.repeats)
    if given.json is not None:
        write_json(given.json, {"size": given.size, "rows": rows, **provenance()}, overwrite=True)


if __name__ == "__main__":
    main()
