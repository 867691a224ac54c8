"""What many frames of a still scene give away, and what a camera can do.

    VEILSEG_CAMVID=DIR python bench/multi_frame.py --json results/multi-frame.json

Photographs of CamVid's split val are shaken: sixteen frames, each moved by a random part of a few pixels, with a
sensor's noise. The audit's attack gets what a camera would send, and SSIM says how near it comes to the photograph. One
frame alone is attacked by rank-placement as well; the better one counts.
"""

from __future__ import annotations

import argparse
import itertools
import os
import sys
from collections.abc import Callable
from functools import partial
from multiprocessing import Pool
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # a process per core, below
import numpy as np
from scipy.ndimage import shift as moved

from veilseg import cipher
from veilseg.audit.base import Evidence
from veilseg.audit.registry import ATTACKS
from veilseg.audit.scoring import compare
from veilseg.evaluation.provenance import provenance
from veilseg.evaluation.report import write_json
from veilseg.images import list_images, open_image
from veilseg.scale import reduce_photograph
from veilseg.steady import Steady, changed, find_shift, shifted

FRAMES, NOISE = 16, 2.0
Frames = list[np.ndarray]


def shaken(photograph: np.ndarray, reach: float, seed: int) -> Frames:
    """FRAMES frames, the first of them in its place, the others moved by up to `reach` pixels in both directions."""
    rng = np.random.default_rng(seed)
    shifts = rng.uniform(-reach, reach, (FRAMES, 2))
    shifts[0] = 0
    noise = rng.normal(0, NOISE, (FRAMES, *photograph.shape))
    frames = [moved(photograph.astype(float), (*by, 0), order=3, mode="mirror") for by in shifts]
    return list(np.clip(np.rint(np.array(frames) + noise), 0, 255).astype(np.uint8))


def averaged(frames: Frames, count: int) -> Frames:
    """Every frame the mean of the last `count`."""
    return [
        np.mean(frames[max(0, last - count + 1) : last + 1], axis=0).round().astype(np.uint8)
        for last in range(len(frames))
    ]


def registered(frames: Frames) -> Frames:
    """All frames in the first one's place."""
    steady = Steady()
    return [steady.register(frame) for frame in frames]


def gated(frames: Frames) -> Frames:
    """Those frames alone in which something moved that the camera's shaking does not explain."""
    steady, sent = Steady(), []
    kept: list[np.ndarray] = []
    for frame in frames:
        calm = steady.register(frame)
        if not kept or changed(kept[-1], calm):
            kept.append(calm)
            sent.append(frame)
    return sent


def gated_by_cells(frames: Frames) -> Frames:
    """Those frames alone that differ from the last one sent, with no regard to the camera's shaking."""
    return frames[:1] + [frame for before, frame in itertools.pairwise(frames) if changed(before, frame)]


WAYS: dict[str, Callable[[Frames], Frames]] = {
    "one frame": lambda frames: frames[:1],
    "sixteen frames": lambda frames: frames,
    "every fourth": lambda frames: frames[::4],
    "mean of four": partial(averaged, count=4),
    "gate, shaking counts": gated_by_cells,
    "gate, shaking does not count": gated,
    "registered": registered,
}


def attack(frames: Frames, side: int) -> Frames:
    """What attacks make of what was sent: of the first frame alone, and of all together."""
    spec = cipher("subblock-sort", None, side)
    sent = tuple(spec.encrypt_pixels(frame, None, None) for frame in frames)
    given = [("rank-placement", sent[:1])] + ([("multi-frame", sent)] if len(sent) > 1 else [])
    return [ATTACKS[name].run(Evidence(spec, frames)).reconstructions["grey"][0] for name, frames in given]


def score(found: np.ndarray, truth: np.ndarray) -> float:
    """SSIM, once the picture lies where the photograph does: a mean of frames need not."""
    grey = [one.mean(axis=2).astype(np.float32) for one in (truth, found)]
    by = find_shift(*grey) or (0.0, 0.0)
    back = np.clip(np.rint(shifted(found, -by[0], -by[1])), 0, 255).astype(np.uint8)
    return max(compare(back, truth).ssim, compare(found, truth).ssim)


def measure(task: tuple[Path, int, float, str, int]) -> dict[str, Any]:
    path, side, reach, way, seed = task
    photograph = reduce_photograph(open_image(path), 480)
    photograph = photograph[: len(photograph) // 48 * 48, : photograph.shape[1] // 48 * 48]
    sent = WAYS[way](shaken(photograph, reach, seed))
    ssim = max(score(found, photograph) for found in attack(sent, side))
    print(f"{path.name} s={side} reach={reach} {way}: {len(sent)} sent, {ssim:.3f}", file=sys.stderr, flush=True)
    return {"photograph": path.name, "side": side, "reach": reach, "way": way, "sent": len(sent), "ssim": ssim}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photographs", type=int, default=3, help="so many of the split val, spread over it")
    parser.add_argument("--sides", type=int, nargs="+", default=[4, 8, 12, 16])
    parser.add_argument("--reach", type=float, nargs="+", default=[4.0], help="pixels by which frames are moved")
    parser.add_argument("--ways", nargs="+", default=list(WAYS), choices=list(WAYS))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    facts = {**provenance(seed=given.seed), "frames": FRAMES, "noise": NOISE}
    paths = list_images(Path(os.environ["VEILSEG_CAMVID"]) / "val")
    chosen = [paths[index] for index in np.linspace(0, len(paths) - 1, given.photographs).round().astype(int)]
    tasks = [
        (path, side, reach, way, given.seed + number)
        for number, path in enumerate(chosen)
        for side in given.sides
        for reach in given.reach
        for way in given.ways
    ]
    with Pool(min(2, len(os.sched_getaffinity(0)))) as pool:
        parts = pool.map(measure, tasks, chunksize=1)
    rows = []
    for side in given.sides:
        for reach in given.reach:
            for way in given.ways:
                same = [one for one in parts if (one["side"], one["reach"], one["way"]) == (side, reach, way)]
                ssim, sent = (float(np.mean([one[name] for one in same])) for name in ("ssim", "sent"))
                rows.append({"side": side, "reach": reach, "way": way, "sent": round(sent, 1), "ssim": round(ssim, 4)})
                print(f"s = {side}, shaken by {reach}: {way}: {sent:g} frames sent, SSIM {ssim:.3f}")
    if given.json:
        write_json(given.json, {**facts, "photographs": [path.name for path in chosen], "rows": rows})


if __name__ == "__main__":
    main()
