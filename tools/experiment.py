"""Train and measure the rows of docs/results.md.

Usage: python tools/experiment.py [--lanes N] [NAME ...]
Needs CamVid as ./camvid (a link will do). Every row trains on the same data for the same number of steps, on one core,
and begins with the weights of a plain model but for its first layers, which depend on the input: ConvSeg with the
shipped one, SETR with one that is trained here first. A row that was interrupted goes on; one whose model is
in runs/rows/ and whose scores are in results/rows/ is done. Without names: all, the deciding ones first.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).parents[1]
PLAIN = "src/veilseg/runtime/shipped/plain"
STEPS = 1500
CROP = "augment.crop=[192,192]"  # half the work of the recipes' 256 x 256
ONE_CORE = ["machine.threads=1", "machine.workers=0"]
SEEDS = (0, 1)
DECIDING = 8  # the sub-block whose rows are trained with every seed, and of SETR's rows
SETR = "runs/rows/setr"  # the plain SETR from scratch, with which SETR's rows begin
SETR_RECIPE = ["recipes/camvid-setr.yaml", "model.architecture=setr-mla"]
SETR_STEPS = 900
SETR_INPUTS = {"sort": "canonical", "mosaic": "mosaic", "shuffled": "shuffled"}


def rows() -> dict[str, list[str]]:
    """Recipe and overrides of every row by its name."""
    found: dict[str, list[str]] = {}
    for seed in SEEDS:
        found[f"plain-{seed}"] = recipe("camvid-plain", seed)
        for method in ("sort", "quartiles", "mosaic", "shuffled", "distil"):
            found[f"{method}{DECIDING}-{seed}"] = recipe(f"camvid-{method}", seed, DECIDING)
    for size in (16, 4):
        for method in ("sort", "quartiles", "mosaic", "shuffled", "distil"):
            found[f"{method}{size}-0"] = recipe(f"camvid-{method}", 0, size)
    # Only here is the embedding of the shape of the plain one.
    found["fitted4-0"] = [*recipe("camvid-sort", 0, 4), "method.closed_form=true"]
    for method in ("sort", "quartiles", "mosaic"):
        found[f"{method}32-0"] = recipe(f"camvid-{method}", 0, 32)
    for seed in SEEDS:
        found[f"setr-plain-{seed}"] = setr("plain", seed)
        for method, image in SETR_INPUTS.items():
            found[f"setr-{method}{DECIDING}-{seed}"] = setr(image, seed, DECIDING)
    for size in (16, 4):
        for method, image in SETR_INPUTS.items():
            found[f"setr-{method}{size}-0"] = setr(image, 0, size)
    return found


def setr(image: str, seed: int, sub_block: int | None = None) -> list[str]:
    """The command line of one training of SETR-MLA on a small ViT."""
    given = [*SETR_RECIPE, f"train.seed={seed}", f"train.steps={SETR_STEPS}"]
    given += [f"method.start={SETR}", f"model.input={image}"]
    if image == "canonical":
        given.append("method.closed_form=true")
    return given if sub_block is None else [*given, f"model.sub_block={sub_block}"]


def recipe(name: str, seed: int, sub_block: int | None = None) -> list[str]:
    """The command line of one training, without its output."""
    given = [f"recipes/{name}.yaml", CROP, f"train.seed={seed}", f"train.steps={STEPS}", f"method.start={PLAIN}"]
    if sub_block is not None:
        given += [f"model.sub_block={sub_block}", f"model.block={max(16, sub_block)}"]
    if name == "camvid-distil":
        given.append(f"method.teacher={PLAIN}")
    return given


def make(name: str, arguments: list[str], start: Future[bool] | None) -> None:
    """Train and measure one row, when its `start` is trained."""
    if start is not None and not start.result():
        print(f"{name}: its start failed, see {SETR}.log", flush=True)
        return
    run, result = f"runs/rows/{name}", f"results/rows/{name}.json"
    measure = ["evaluate", "--data", "camvid:camvid", "--model", run, "--per-class", "--json", result, "--force"]
    done = veilseg(run, ["train", *arguments, *ONE_CORE, "-o", run]) and veilseg(run, measure)
    print(f"{name}: {'done' if done else f'failed, see {run}.log'}", flush=True)


def veilseg(run: str, arguments: list[str]) -> bool:
    """Run one command on one core; what it says goes to the end of RUN.log. Whether it succeeded."""
    one_core = {**os.environ, "VEILSEG_CAMVID": "camvid", "OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}
    program = [str(Path(sys.executable).with_name("veilseg")), *arguments]
    with (ROOT / f"{run}.log").open("a") as log:
        return subprocess.run(program, cwd=ROOT, env=one_core, stdout=log, stderr=log, check=False).returncode == 0


def is_done(name: str) -> bool:
    """Whether a row is trained here and measured; scores alone come with a clone."""
    return (ROOT / f"runs/rows/{name}/model.safetensors").exists() and (ROOT / f"results/rows/{name}.json").exists()


def main() -> None:
    """Work through the rows that have no result yet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lanes", type=int, default=2, help="rows at a time, each on one core")
    parser.add_argument("names", nargs="*", metavar="NAME")
    given = parser.parse_args()
    every = rows()
    if unknown := set(given.names) - set(every):
        parser.error(f"no row {min(unknown)}; there are {', '.join(every)}")
    for folder in ("runs", "results"):
        (ROOT / folder / "rows").mkdir(parents=True, exist_ok=True)
    todo = [name for name in given.names or every if not is_done(name)]
    with ThreadPoolExecutor(given.lanes) as lanes:
        start = None
        if any(name.startswith("setr") for name in todo):
            start = lanes.submit(veilseg, SETR, ["train", *SETR_RECIPE, *ONE_CORE, "-o", SETR])
        for name in todo:
            lanes.submit(make, name, every[name], start if name.startswith("setr") else None)


if __name__ == "__main__":
    main()
