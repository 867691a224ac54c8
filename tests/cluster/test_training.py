"""A run on a cluster ends where a run on one machine ends, also when its processes are killed on the way."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

import pytest
import torch

from tests.cluster.conftest import a_process
from tests.training.test_run import TINY
from veilseg.cluster.training import train_on_ray
from veilseg.models import load_model
from veilseg.training import run
from veilseg.training.load import from_dict

pytestmark = pytest.mark.slow
MACHINE = {"workers": 0, "threads": 1, "devices": 2, "accelerator": "cpu"}


def test_two_processes_train_as_one(cluster: None, tmp_path: Path) -> None:
    run.train(from_dict(TINY), tmp_path / "one")
    train_on_ray(from_dict({**TINY, "machine": MACHINE}), tmp_path / "two")
    one, two = load_model(tmp_path / "one"), load_model(tmp_path / "two")
    for (name, got), wanted in zip(two.state_dict().items(), one.state_dict().values(), strict=True):
        torch.testing.assert_close(got, wanted, rtol=2e-3, atol=2e-3, msg=lambda text, name=name: f"{name}: {text}")


def test_a_run_whose_process_is_killed_goes_on(cluster: None, tmp_path: Path) -> None:
    """The second checkpoint is there when one process dies: the run starts again, and goes on from the last one."""
    recipe = from_dict({**TINY, "machine": MACHINE, "train": {**TINY["train"], "steps": 30}})
    killed: list[int] = []

    def kill() -> None:
        while not (tmp_path / "run" / run.LAST).exists():
            done.wait(0.05)
        killed.append(a_process("RayTrainWorker", os.getpid()))
        os.kill(killed[0], signal.SIGKILL)

    done = threading.Event()
    killer = threading.Thread(target=kill, daemon=True)
    killer.start()
    train_on_ray(recipe, tmp_path / "run")
    done.set()
    assert killed
    assert load_model(tmp_path / "run").config.training["steps"] == 30
