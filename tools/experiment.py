"""Train and measure the rows of docs/results.md.

Usage: VEILSEG_CAMVID=DIR VEILSEG_WEIGHTS=DIR python tools/experiment.py [--lanes N] [--minutes M] [NAME ...]
Every row is one `veilseg train` and one `veilseg evaluate`, on one core; with --gpu the lanes share a GPU. Rows of a
network train on the same data for the same number of steps. ConvSeg begins with the weights of the shipped plain model,
but for the first layers, which depend on the input; SETR with a plain SETR that is trained here first ("setr-"), with
DINOv2 ("dino-") or, with a teacher, with a plain row of the same seed. A row that was interrupted goes on; one whose
model is in runs/rows/ and whose scores are in results/rows/ is done. Without names: all of a table, the deciding ones
first.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from experiment_rows import STARTS, TABLES, Row

ROOT = Path(__file__).parents[1]
ONE_CORE = ["machine.threads=1", "machine.workers=0"]
GPU = [*ONE_CORE, "machine.accelerator=gpu", "machine.precision=auto"]


class Lanes:
    """Runs the commands of rows, several at a time, until none is left or time is up."""

    def __init__(self, rows: dict[str, Row], gpu: bool, first: int, minutes: float | None, changes: list[str]) -> None:
        self.machine, self.device = (GPU, "cuda") if gpu else (ONE_CORE, "cpu")
        self.first, self.changes = first, changes
        self.end = None if minutes is None else time.monotonic() + 60 * minutes
        self.waiting = dict(rows)
        self.busy: set[str] = set()
        self.trained: set[str] = set()
        self.workers: set[subprocess.Popen[str]] = set()
        self.changed = threading.Condition()

    def work(self, lanes: int) -> None:
        """All rows, the first ones first, each when its start is trained; `first` at a time while a start is."""
        threads = [threading.Thread(target=self.lane) for _ in range(lanes)]
        for thread in threads:
            thread.start()
        if self.end is not None:
            for thread in threads:
                thread.join(max(0.0, self.end - time.monotonic()))
            with self.changed:
                for worker in self.workers:
                    worker.send_signal(signal.SIGTERM)  # it writes a checkpoint
                self.changed.notify_all()
        for thread in threads:
            thread.join()

    def lane(self) -> None:
        """Row after row, until none is left that could be made."""
        worker = self.worker()
        while (taken := self.take()) is not None:
            name, row = taken
            command = ["train", *row.arguments, *self.machine, *self.changes, "-o", f"runs/rows/{name}"]
            done = self.veilseg(worker, name, command)
            with self.changed:
                self.busy.discard(name)
                self.trained |= {name} if done else set()
                self.changed.notify_all()
            if done and row.measured:
                done = self.measure(worker, name)
            print(f"{name}: {'done' if done else f'not done, see runs/rows/{name}.log'}", flush=True)
            if worker.poll() is not None:
                worker = self.worker()
        assert worker.stdin is not None
        worker.stdin.close()
        worker.wait()

    def take(self) -> tuple[str, Row] | None:
        """The first row whose start is trained; None when no other will be."""
        with self.changed:
            while True:
                if self.late():
                    return None
                alone = any(name in STARTS for name in self.busy) and len(self.busy) >= self.first
                for name, row in self.waiting.items():
                    if not alone and (row.start is None or row.start in self.trained):
                        self.busy.add(name)
                        return name, self.waiting.pop(name)
                if not alone and not any(row.start in self.busy for row in self.waiting.values()):
                    return None
                self.changed.wait()

    def measure(self, worker: subprocess.Popen[str], name: str) -> bool:
        """Write the scores of a trained row; whether it went well."""
        data = f"camvid:{os.environ['VEILSEG_CAMVID']}"
        command = ["evaluate", "--data", data, "--model", f"runs/rows/{name}", "--device", self.device]
        return self.veilseg(worker, name, [*command, "--per-class", "--json", f"results/rows/{name}.json", "--force"])

    def worker(self) -> subprocess.Popen[str]:
        """A process on one core that runs commands."""
        one_core = {**os.environ, "OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}
        program = [sys.executable, str(Path(__file__).with_name("experiment_worker.py"))]
        pipe = subprocess.PIPE
        worker = subprocess.Popen(program, cwd=ROOT, env=one_core, stdin=pipe, stdout=pipe, text=True, bufsize=1)
        with self.changed:
            self.workers.add(worker)
        return worker

    def veilseg(self, worker: subprocess.Popen[str], name: str, arguments: list[str]) -> bool:
        """Run one command; what it says goes to the end of the row's log. Whether it succeeded."""
        if self.late() or worker.poll() is not None:
            return False
        assert worker.stdin is not None
        assert worker.stdout is not None
        worker.stdin.write(json.dumps({"log": f"runs/rows/{name}.log", "arguments": arguments}) + "\n")
        worker.stdin.flush()
        return worker.stdout.readline().strip() == "0"

    def late(self) -> bool:
        """Whether the time is up."""
        return self.end is not None and time.monotonic() > self.end


def is_done(name: str) -> bool:
    """Whether a row is trained here and measured; scores alone come with a clone."""
    return (ROOT / f"runs/rows/{name}/model.safetensors").exists() and (ROOT / f"results/rows/{name}.json").exists()


def main() -> None:
    """Work through the rows that have no result yet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table", choices=TABLES, default="small")
    parser.add_argument("--lanes", type=int, default=2, help="rows at a time")
    parser.add_argument("--first", type=int, default=2, help="rows at a time until those that others need are trained")
    parser.add_argument("--gpu", action="store_true", help="train and measure on the GPU, which the lanes share")
    parser.add_argument("--minutes", type=float, help="after so many, what runs writes a checkpoint, and all ends")
    parser.add_argument(
        "--set", action="append", default=[], metavar="ENTRY=VALUE", help="change every recipe: a trial"
    )
    parser.add_argument("names", nargs="*", metavar="NAME")
    given = parser.parse_args()
    every = {**STARTS, **TABLES[given.table]()}
    if unknown := set(given.names) - set(every):
        parser.error(f"no row {min(unknown)}; there are {', '.join(every)}")
    for folder in ("runs", "results"):
        (ROOT / folder / "rows").mkdir(parents=True, exist_ok=True)
    names = given.names or TABLES[given.table]()
    todo = {name: every[name] for name in names if not is_done(name)}
    starts = {row.start: every[row.start] for row in todo.values() if row.start is not None}
    Lanes({**starts, **todo}, given.gpu, given.first, given.minutes, given.set).work(given.lanes)


if __name__ == "__main__":
    main()
