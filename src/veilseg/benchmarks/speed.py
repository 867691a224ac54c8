"""Speed on this machine, as ratios: times differ from machine to machine and hour to hour, ratios in one run less."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from statistics import median

import numpy as np
from numpy.typing import NDArray

from veilseg.catalog import CATALOG
from veilseg.ciphers import cipher
from veilseg.ciphers.kernels import engine
from veilseg.errors import UsageError
from veilseg.keys import Key
from veilseg.scale import ORIGINAL

SUB_BLOCKS = (4, 8, 12, 16)
TILE = 48  # pixels: a multiple of all of them


@dataclass(frozen=True)
class Speed:
    """One way to do a job: median seconds, and how many times as fast as each way it is compared with."""

    name: str
    sub_block: int | None
    seconds: float
    times_as_fast: dict[str, float]


def medians(jobs: Mapping[str, Callable[[], object]], repeats: int, pause: float = 0.0) -> dict[str, float]:
    """Median seconds of every job. Jobs take turns, so that a busy minute of the machine slows all of them alike.

    Every job runs once beforehand: compiling and loading kernels is not what is measured. `pause`: seconds of rest
    before each, in which the threads of the job before it cease to look for more work.
    """
    taken: dict[str, list[float]] = {name: [] for name in jobs}
    for turn in range(repeats + 1):
        for name, job in jobs.items():
            time.sleep(pause)
            start = time.perf_counter()
            job()
            if turn:
                taken[name].append(time.perf_counter() - start)
    return {name: median(seconds) for name, seconds in taken.items()}


def argsort_shuffle(pixels: NDArray[np.uint8], sub_block: int) -> NDArray[np.uint8]:
    """The sub-block shuffle of [Hirose 2026] as one writes it in NumPy: random numbers per sub-block, argsort, gather.

    pixels: uint8 [H, W, 3], sides multiples of `sub_block`. Fast, but not a cipher: its keys come from a generator
    that is not cryptographic, and nothing leads back.
    """
    height, width = pixels.shape[:2]
    s = sub_block
    rng = np.random.default_rng()
    view = pixels.reshape(height // s, s, width // s, s, 3).transpose(0, 2, 4, 1, 3).reshape(-1, 3, s * s)
    view = np.take_along_axis(view, np.argsort(rng.random(view.shape), axis=-1), axis=-1)
    order = np.argsort(rng.random((len(view), 3)), axis=-1)
    view = np.take_along_axis(view, order[:, :, None], axis=1)
    whole = view.reshape(height // s, width // s, 3, s, s).transpose(0, 3, 1, 4, 2)
    return np.ascontiguousarray(whole).reshape(height, width, 3)


def measure_encryption(
    height: int = 1024, width: int = 2048, repeats: int = 7, names: Iterable[str] = tuple(CATALOG)
) -> list[Speed]:
    """Time Cipher.encrypt of every cipher on one random uint8 image [height, width, 3], keystream and header included.

    Compared with a plain copy of the array and, for ciphers with sub-blocks, with `argsort_shuffle` at the same s.
    """
    engine.kernels("sort", engine.WORTH_NUMBA)  # what is measured is a process that goes on, whatever the size
    image = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    tiled = image[: height - height % TILE, : width - width % TILE]
    key = Key.generate()
    chosen = [(name, s) for name in names for s in (SUB_BLOCKS if CATALOG[name].sub_blocks else (None,))]
    results = []
    for sub_block in (*SUB_BLOCKS, None):
        jobs: dict[str, Callable[[], object]] = {"copy": image.copy}
        if sub_block is not None:
            jobs["argsort"] = partial(argsort_shuffle, tiled, sub_block)
        for name in [name for name, s in chosen if s == sub_block]:
            made = cipher(name, sub_block=sub_block)
            jobs[name] = partial(made.encrypt, image, None if made.key_use == "none" else key, longer_side=ORIGINAL)
        if len(jobs) < 2 + (sub_block is not None):
            continue
        seconds = medians(jobs, repeats)
        others: list[str] = [name for name in ("copy", "argsort") if name in jobs]
        for name, taken in seconds.items():
            ratios = {other: seconds[other] / taken for other in others if other != name}
            results.append(Speed(name, sub_block, taken, ratios))
    return results


def measure_segmentation(repeats: int) -> list[Speed]:
    """Time Segmenter.segment on one generated scene: plain by the plain model, encrypted by the key-invariant one.

    Encrypted input costs the canonical form on top of the network. Raises InvalidModelError where a model is missing,
    and ImportError where ONNX Runtime is.
    """
    from veilseg.ciphers import client_cipher
    from veilseg.data.scenes import generate_scene
    from veilseg.runtime import Segmenter

    image = generate_scene(0).image
    invariant, plain_model = Segmenter("default"), Segmenter("plain")
    made = client_cipher(invariant.config.input)
    if made == "plain":
        raise UsageError("the default model takes plain images", "ship one for encrypted images")
    encrypted = made.encrypt(image)
    seconds = medians(
        {"plain": lambda: plain_model.segment(image), "encrypted": lambda: invariant.segment(encrypted)}, repeats
    )
    first, second = seconds["plain"], seconds["encrypted"]
    return [
        Speed("plain input", None, first, {}),
        Speed("encrypted input", made.spec.sub_block, second, {"plain": first / second}),
    ]
