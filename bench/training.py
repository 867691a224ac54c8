"""Images a second of the CamVid recipes, and the share of the time in which no step could run for want of samples.

Usage: `VEILSEG_CAMVID=DIR python bench/training.py --json results/training.json`.

Every recipe runs as `veilseg train` runs it, for a few steps, once with samples prepared by a process of their own and
once by the training process itself: the second share is what preparing costs, encryption included.
"""

from __future__ import annotations

import argparse
import csv
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from veilseg.evaluation.provenance import provenance
from veilseg.evaluation.report import write_json

ROOT = Path(__file__).parents[1]
RECIPES = ("camvid-plain", "camvid-sort", "camvid-shuffled")
STEPS = 100  # the log has a line for every 50: the second one is read
BATCH = 8


def measure(recipe: str, workers: int, given: list[str]) -> dict[str, Any]:
    """One short run on crops of 192 x 192: images a second and share of waiting, between steps 50 and 100."""
    with tempfile.TemporaryDirectory() as scratch:
        run = Path(scratch) / "run"
        command = [sys.executable, "-m", "veilseg.cli.main", "train", str(ROOT / "recipes" / f"{recipe}.yaml")]
        command += ["augment.crop=[192,192]", f"train.steps={STEPS}", f"train.validate_every={STEPS}"]
        command += [f"train.batch={BATCH}", f"machine.workers={workers}", *given, "-o", str(run)]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(done.stderr)
        with next(run.glob("log/version_*/metrics.csv")).open() as file:
            last = [row for row in csv.DictReader(file) if row["waiting"]][-1]
    return {
        "recipe": recipe,
        "workers": workers,
        "images_per_second": round(BATCH * float(last["steps_per_second"]), 2),
        "share_of_waiting": round(float(last["waiting"]), 4),
    }


def main() -> None:
    """Measure, print, and write where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--tiny", action="store_true", help="a small network and two scenes, to see that it works")
    given = parser.parse_args()
    tiny = ["augment.crop=[32,32]", "model.arguments={widths: [8, 8, 8, 8], depths: [1, 1, 1, 1], decoder_width: 8}"]
    tiny += ['data.train=[{source: "scenes:2"}]', 'data.val={source: "scenes:1:5"}']
    rows = []
    for recipe in RECIPES[:1] if given.tiny else RECIPES:
        for workers in (1, 0):
            rows.append(measure(recipe, workers, tiny if given.tiny else []))
            print(rows[-1], flush=True)
    if given.json is not None:
        write_json(given.json, {"crop": [192, 192], "rows": rows, **provenance()}, overwrite=True)


if __name__ == "__main__":
    main()
