"""A run on a cluster ends where a run in one process ends, also when one of its processes is killed on the way."""

from __future__ import annotations

import csv
import os
import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import torch

from tests.cluster.conftest import processes
from tests.training.test_distributed import WITHOUT_EFFECT
from tests.training.test_run import TINY
from veilseg.cluster.training import train_on_ray
from veilseg.models import load_model
from veilseg.training import run
from veilseg.training.load import from_dict

if TYPE_CHECKING:
    from ray._private.node import Node

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("cluster")]
STEPS = 30


def test_a_run_whose_process_is_killed_goes_on(second: Node, tmp_path: Path) -> None:
    """One of two processes dies after a checkpoint; the run starts again there, and ends as one that was left alone."""
    folder = tmp_path / "run"
    recipe = {**TINY, "train": {**TINY["train"], "steps": STEPS}}
    killed: list[int] = []

    def kill() -> None:
        while not (folder / run.LAST).exists():
            if over.wait(0.02):
                return
        killed.extend(processes("RayTrainWorker", os.getpid()))
        os.kill(killed[0], signal.SIGKILL)

    over = threading.Event()
    killer = threading.Thread(target=kill)
    killer.start()
    try:
        machine = {"workers": 0, "threads": 1, "devices": 2, "accelerator": "cpu"}
        train_on_ray(from_dict({**recipe, "machine": machine}), folder)
    finally:
        over.set()
        killer.join()
    assert len(killed) == 2
    first_steps = []
    for log in sorted(folder.glob("log/version_*/metrics.csv")):
        first_steps.append(int(next(csv.DictReader(log.open()))["step"]))
    print(first_steps, sorted(folder.iterdir()))
    run.train(from_dict(recipe), tmp_path / "one")
    one, two = load_model(tmp_path / "one"), load_model(folder)
    assert two.config.training["steps"] == STEPS
    for (name, got), wanted in zip(two.state_dict().items(), one.state_dict().values(), strict=True):
        if name not in WITHOUT_EFFECT:
            torch.testing.assert_close(got, wanted, rtol=2e-3, atol=2e-3, msg=lambda text, name=name: f"{name}: {text}")
