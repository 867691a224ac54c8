"""Lightning's trainer as a recipe wants it: callbacks, checkpoints, logs and processes."""

from __future__ import annotations

import logging
import os
import sys
import warnings
from pathlib import Path

import lightning.pytorch as pl
from lightning.fabric.plugins.environments.cluster_environment import ClusterEnvironment
from lightning.pytorch.callbacks import EarlyStopping, EMAWeightAveraging, ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger
from lightning.pytorch.strategies import DDPStrategy

from veilseg.training.callbacks import StopBetweenSteps, WaitingShare
from veilseg.training.precision import precision
from veilseg.training.progress import Progress
from veilseg.training.recipe import Recipe

LAST = Path("checkpoints") / "last.ckpt"
LOG_NAME = "log"
AVERAGED = 5  # steps between which a long run's weights are averaged: on a GPU it takes as long as a quarter of a step
LOGGED = 50  # steps between which a long run's loss is logged
# Warnings of Lightning and torch about what is meant here, or about themselves.
NOISE = (
    *("does not have many workers", "logging interval", "GPU available", "Checkpoint directory", "dirpath has changed"),
    *("LeafSpec", "broadcast_buffers", "callbacks used to create the checkpoint"),
)

#: Who started the processes of a run, where it was not Lightning: how they find each other, and which one this is.
Launch = tuple[DDPStrategy, ClusterEnvironment]


def make_trainer(recipe: Recipe, folder: Path, stop: StopBetweenSteps, launch: Launch | None) -> pl.Trainer:
    """The trainer of a run in `folder`."""
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    for noise in NOISE:
        warnings.filterwarnings("ignore", f".*{noise}.*")
    train, machine = recipe.train, recipe.machine
    watched = sys.stderr.isatty() and os.environ.get("LOCAL_RANK", "0") == "0"
    several = machine.devices * machine.nodes > 1
    callbacks: list[pl.Callback] = [WaitingShare(), Progress(train.steps, watched)]
    if train.average:
        every = AVERAGED if train.steps >= 20 * AVERAGED else 1
        callbacks.append(EMAWeightAveraging(decay=train.average**every, update_every_n_steps=every))
    if train.patience:
        callbacks.append(EarlyStopping("val_miou", mode="max", patience=train.patience))
    callbacks.append(stop)  # after the average has taken the step in
    callbacks.append(
        ModelCheckpoint(
            folder / LAST.parent,
            filename="{step}",
            every_n_train_steps=min(train.checkpoint_every, train.steps),
            save_top_k=1,
            save_last=True,
            save_on_train_epoch_end=False,
        )
    )
    # Buffers agree without being sent, since every process has the whole batch's statistics; sending them would wait
    # for ever in validation, where processes differ in work.
    strategy: DDPStrategy | str = DDPStrategy(broadcast_buffers=False) if several else "auto"
    loggers = [CSVLogger(folder, name=LOG_NAME), TensorBoardLogger(folder, name="tensorboard")]
    return pl.Trainer(
        default_root_dir=folder,
        accelerator=machine.accelerator,
        devices=machine.devices if launch is None else "auto",
        num_nodes=machine.nodes,
        precision=precision(machine),  # type: ignore[arg-type]
        strategy=strategy if launch is None else launch[0],
        plugins=None if launch is None else launch[1],
        sync_batchnorm=several and machine.accelerator != "cpu",
        use_distributed_sampler=False,
        accumulate_grad_batches=train.accumulate,
        max_epochs=1,
        max_steps=train.steps,
        val_check_interval=min(train.validate_every, train.steps) * train.accumulate,
        log_every_n_steps=max(1, min(LOGGED, train.steps // LOGGED)),
        callbacks=callbacks,
        num_sanity_val_steps=0,
        logger=loggers,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
