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

from tests.cluster.conftest import processes, second_node
from tests.training.test_training_run import TINY
from veilseg.cluster.training import train_on_ray
from veilseg.data.scenes import generate_scene
from veilseg.errors import VeilsegError
from veilseg.models import load_model
from veilseg.training.load import from_dict
from veilseg.training.training_run import train

if TYPE_CHECKING:
    from ray.cluster_utils import Cluster

pytestmark = pytest.mark.slow
STEPS, ENOUGH = 30, 5
MACHINE = {"workers": 0, "threads": 1, "devices": 2, "accelerator": "cpu"}


def last_step(folder: Path) -> int:
    """The step of a run's last checkpoint."""
    return max((int(path.stem.partition("=")[2]) for path in folder.glob("checkpoints/step=*.ckpt")), default=0)


def test_a_run_whose_process_is_killed_goes_on(cluster: Cluster, tmp_path: Path) -> None:
    """One of two processes dies after a checkpoint; the run starts again there, and ends as one in one process."""
    second_node(cluster)
    folder = tmp_path / "run"
    recipe = {**TINY, "train": {**TINY["train"], "steps": STEPS}}
    killed: list[int] = []

    def kill() -> None:
        while last_step(folder) < ENOUGH:
            if over.wait(0.02):
                return
        killed.extend(processes("RayTrainWorker", os.getpid()))
        os.kill(killed[0], signal.SIGKILL)

    over = threading.Event()
    killer = threading.Thread(target=kill)
    killer.start()
    try:
        train_on_ray(from_dict({**recipe, "machine": MACHINE}), folder)
    finally:
        over.set()
        killer.join()
    assert len(killed) == 2, "killed in time, one of two"
    with max(folder.glob("log/version_*/metrics.csv")).open() as log:
        # The log counts from 0, and the checkpoint's own validation may come after the restart.
        assert int(next(csv.DictReader(log))["step"]) >= ENOUGH - 1, "the second attempt did not begin anew"
    train(from_dict(recipe), tmp_path / "one")
    one, two = load_model(tmp_path / "one"), load_model(folder)
    assert two.config.training["steps"] == STEPS
    image = torch.from_numpy(generate_scene(5, (48, 96)).image).permute(2, 0, 1)[None]
    with torch.inference_mode():
        # Not the weights: some have no effect, and what rounding makes of them grows with every step. One thread
        # against two makes a mean difference of 0.006 here, one step less 0.14.
        assert (two(image) - one(image)).abs().mean() < 0.03


def test_what_would_fail_again_and_again_is_refused_at_once(tmp_path: Path) -> None:
    recipe = from_dict({**TINY, "data": {**TINY["data"], "val": {"source": f"folder:{tmp_path}/none"}}})
    with pytest.raises(VeilsegError):
        train_on_ray(recipe, tmp_path / "run")
    assert not (tmp_path / "run").exists()
