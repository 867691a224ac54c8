"""Images a second in training, and the share of a step that is not the network: drawing, augmenting and encrypting.

Usage: `VEILSEG_CAMVID=DIR python bench/training.py --json results/training.json`; with --device cuda on a GPU.

The parts of `veilseg train` are timed one after the other on CamVid, with batches of 8, the device waited for after
each: on a GPU preparing overlaps with the step before, so its share is an upper bound. The best of some rounds counts.
"""

from __future__ import annotations

import argparse
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from veilseg.evaluation.provenance import provenance
from veilseg.evaluation.report import write_json
from veilseg.training.load import load_recipe
from veilseg.training.training_run import prepare

ROOT = Path(__file__).parents[1]
INPUTS = ("plain", "canonical", "quartiles", "mosaic", "shuffled")
SUB_BLOCKS = (4, 16)
BATCH = 8
ROUNDS = 5


def measure(device: torch.device, changes: list[str]) -> dict[str, Any]:
    """One recipe: images a second, and the share of the time before the network."""
    with tempfile.TemporaryDirectory() as scratch, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of Lightning, about a module without a trainer
        run = prepare(load_recipe(ROOT / "recipes" / "camvid-sort.yaml", changes), Path(scratch))
        module, samples = run.module.to(device), run.data.train_samples
        optimizer = module.configure_optimizers()["optimizer"]
        numbers = iter(range(10**6))

        def draw() -> Any:
            return samples.batch([samples[next(numbers)] for _ in range(BATCH)], device)

        def step(batch: Any) -> None:
            with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
                loss = module.training_step(batch, 0)
            torch.autograd.backward(loss)
            optimizer.step()
            optimizer.zero_grad()

        batch = draw()
        step(batch)
        before, network = seconds(draw, device), seconds(lambda: step(batch), device)
    return {"images_per_second": round(BATCH / (before + network), 2), "before": round(before / (before + network), 4)}


def seconds(work: Callable[[], Any], device: torch.device) -> float:
    """The least seconds of one call, of several."""
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        work()
        if device.type == "cuda":
            torch.cuda.synchronize()
        times.append(time.perf_counter() - start)
    return min(times)


def main() -> None:
    """Measure, print, and write where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--threads", type=int, default=1, help="of the CPU")
    parser.add_argument("--tiny", action="store_true", help="a small network and two scenes, to see that it works")
    given = parser.parse_args()
    device = torch.device(given.device)
    torch.set_num_threads(given.threads)
    changes = [f"train.batch={BATCH}", f"machine.threads={given.threads}", "machine.workers=0"]
    if given.tiny:
        changes += ["model.arguments={widths: [8, 8, 8, 8], depths: [1, 1, 1, 1], decoder_width: 8}"]
        changes += ["augment.crop=[32,32]", 'data.train=[{source: "scenes:2"}]', 'data.val={source: "scenes:1:5"}']
    rows = []
    for name in INPUTS[:2] if given.tiny else INPUTS:
        for sub_block in SUB_BLOCKS if name != "plain" else SUB_BLOCKS[:1]:
            found = measure(device, [*changes, f"model.input={name}", f"model.sub_block={sub_block}"])
            rows.append({"input": name, "sub_block": sub_block if name != "plain" else None, **found})
            print(rows[-1], flush=True)
    if given.json is not None:
        facts = {"device": torch.cuda.get_device_name() if device.type == "cuda" else "cpu", "threads": given.threads}
        write_json(given.json, {**facts, "rows": rows, **provenance()}, overwrite=True)


if __name__ == "__main__":
    main()
