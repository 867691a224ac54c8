"""`veilseg train --ray`: the run of veilseg.training in processes that Ray Train places, and restarts when one dies.

The run's folder is shared by all machines. It holds the checkpoints, and a run that is started again goes on from the
last one, as any interrupted run does: Ray adds no checkpoints of its own.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import ray.train
from ray.train import FailureConfig, RunConfig, ScalingConfig
from ray.train.torch import TorchTrainer

from veilseg.cluster.connect import connect
from veilseg.errors import VeilsegError
from veilseg.training.load import from_dict
from veilseg.training.recipe import Recipe
from veilseg.training.record import refuse_other_run
from veilseg.training.training_run import open_source, train

#: How often a run starts again before it is given up: a machine that dies is no reason, a fault in the data is.
ATTEMPTS = 5


def train_on_ray(recipe: Recipe, folder: Path) -> None:
    """Train by a recipe in `machine.devices` x `machine.nodes` processes of the cluster.

    The model is left in `folder`, which must have this name on every machine.

    Raises UsageError and InvalidDataError as `veilseg.training.train` does, VeilsegError when the run was started
    again too often.
    """
    # What Ray would try again and again is refused here.
    refuse_other_run(folder, recipe)
    for source in (*recipe.data.train, recipe.data.val):
        open_source(source)
    machine = recipe.machine
    processes, cores = machine.devices * machine.nodes, max(1, machine.threads) + machine.workers
    connect(processes * cores)
    folder = folder.absolute()
    trainer = TorchTrainer(
        _work,
        train_loop_config={"recipe": recipe.model_dump(mode="json"), "folder": str(folder)},
        scaling_config=ScalingConfig(
            num_workers=processes,
            use_gpu=machine.accelerator in ("gpu", "cuda"),
            resources_per_worker={"CPU": cores},
        ),
        run_config=RunConfig(name="ray", storage_path=str(folder), failure_config=FailureConfig(max_failures=ATTEMPTS)),
    )
    try:
        trainer.fit()
    except (ray.train.TrainingFailedError, ray.exceptions.RayError) as error:
        last = str(error).strip().rpartition("\n")[2]
        hint = f"the same command goes on from the last checkpoint in {folder}"
        raise VeilsegError(f"the run failed {ATTEMPTS + 1} times, last with: {last}", hint) from error


def _work(config: dict[str, Any]) -> None:
    """What every process does: the run, as one of as many processes as Ray started."""
    from ray.train.lightning import RayDDPStrategy, RayLightningEnvironment

    recipe = from_dict(config["recipe"])
    devices = ray.train.get_context().get_world_size()
    here = recipe.machine.model_copy(update={"devices": devices, "nodes": 1})
    launch = (RayDDPStrategy(broadcast_buffers=False), RayLightningEnvironment())
    train(recipe.model_copy(update={"machine": here}), Path(config["folder"]), launch)
