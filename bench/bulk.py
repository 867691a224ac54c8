"""How many images a second more processes make: `python bench/bulk.py --json results/bulk.json`.

`here`: one process without Ray and with one thread. `cores` is what the whole of Ray and its `workers` may run on:
one core for each worker, which Ray's own processes share; and for one worker alone, all cores, so that Ray disturbs it
less. Ways take turns; medians. Images per second come from the times of the last quarter of the outputs, when all
processes have started, up to the last parts, when some have nothing left. `core_hours`: for a million such images.
"""

from __future__ import annotations

import argparse
import itertools
import os
import statistics
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import ray

import veilseg
from veilseg.batch import Encrypt, Outcome, Portable, Segment, make_plan, run_here
from veilseg.cluster.batch import run_on_ray
from veilseg.data.scenes import generate_scene
from veilseg.evaluation.provenance import provenance
from veilseg.evaluation.report import write_json
from veilseg.images import to_png

CIPHER = veilseg.cipher("subblock-sort")  # as the default model takes it
SIZE = (240, 320)
#: Outputs at the end that do not count: what two processes get at a time.
LAST = 16


def images_per_second(outcomes: Iterable[Outcome], target: Path) -> float:
    """Do the work, and read its pace off the outputs."""
    for outcome in outcomes:
        assert outcome.error is None, outcome
    times = sorted(path.stat().st_mtime for path in target.glob("*.png"))
    steady = times[3 * len(times) // 4 : -LAST]
    return (len(steady) - 1) / (steady[-1] - steady[0])


def measure(
    title: str, operation: Portable, source: Path, scratch: Path, workers: list[int], rounds: int
) -> list[dict[str, Any]]:
    """One row without Ray, and one for every number of workers and cores."""
    allowed = sorted(os.sched_getaffinity(0))
    ways = [(0, len(allowed)), *((count, count) for count in workers)]
    if workers and len(allowed) > min(workers):
        ways.append((min(workers), len(allowed)))
    paces: dict[tuple[int, int], list[float]] = {way: [] for way in ways}
    for turn in range(rounds):
        for (count, cores), found in paces.items():
            folder = scratch / f"{title}-{count}-{cores}-{turn}"
            tasks = make_plan([str(source)], str(folder), verb=title).tasks
            os.sched_setaffinity(0, allowed[:cores])  # what is started from here on inherits it
            if count:
                ray.init("local", num_cpus=count, include_dashboard=False, log_to_driver=False)
                found.append(images_per_second(run_on_ray(tasks, operation), folder))
                ray.shutdown()
            else:
                found.append(images_per_second(run_here(tasks, operation), folder))
            os.sched_setaffinity(0, allowed)
    return [
        {
            "job": title,
            "way": f"Ray, {count} workers" if count else "here",
            "cores": cores if count else 1,
            "images_per_second": round(statistics.median(found), 2),
            "all_rounds": [round(each, 2) for each in found],
            "core_hours": round(1e6 * (cores if count else 1) / statistics.median(found) / 3600, 1),
        }
        for (count, cores), found in paces.items()
    ]


def main() -> None:
    """Measure, print, and write where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--images", type=int, default=640, help="more than 72")
    parser.add_argument("--workers", type=int, nargs="*", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        for folder in ("plain", "encrypted"):
            (scratch / folder).mkdir()
        scenes = itertools.cycle([generate_scene(seed, SIZE).image for seed in range(8)])
        for index, image in zip(range(given.images), scenes, strict=False):
            (scratch / "plain" / f"{index:05}.png").write_bytes(to_png(image))
            (scratch / "encrypted" / f"{index:05}.png").write_bytes(CIPHER.encrypt(image).to_bytes())
        rows = measure("encrypt", Encrypt(CIPHER), scratch / "plain", scratch, [], given.rounds)
        rows += measure("segment", Segment(threads=1), scratch / "encrypted", scratch, given.workers, given.rounds)
        print(*rows, sep="\n")
    if given.json is not None:
        figures = {"images": given.images, "height": SIZE[0], "width": SIZE[1], "rows": rows}
        write_json(given.json, {**figures, **provenance()}, overwrite=True)


if __name__ == "__main__":
    main()
