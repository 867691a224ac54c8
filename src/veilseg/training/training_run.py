"""One training run: from a recipe to a folder that holds the model."""

from __future__ import annotations

import json
import logging
import os
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import numpy as np
import torch
from lightning.fabric.plugins.environments.cluster_environment import ClusterEnvironment
from lightning.pytorch.callbacks import EarlyStopping, EMAWeightAveraging, ModelCheckpoint, TQDMProgressBar
from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger
from lightning.pytorch.strategies import DDPStrategy

from veilseg import __version__
from veilseg.data import SegmentationData, open_data
from veilseg.data.reduced import ReducedData
from veilseg.errors import UsageError
from veilseg.files import locked, make_folder, write_atomic
from veilseg.keys import Key
from veilseg.modelconfig import CONFIG_NAME
from veilseg.models import SegmentationModel, load_model, save_model
from veilseg.scale import ORIGINAL
from veilseg.training import before
from veilseg.training.callbacks import StopBetweenSteps, StoppedError, WaitingShare
from veilseg.training.distributed import share_batch_norm
from veilseg.training.inputs import input_transform
from veilseg.training.load import expand
from veilseg.training.loading import RunData
from veilseg.training.losses import class_weights
from veilseg.training.module import SegmentationTraining
from veilseg.training.precision import precision
from veilseg.training.recipe import Recipe, Source
from veilseg.training.samples import TrainingSamples, ValidationSamples, label_counts, typical_side
from veilseg.training.start import first_model
from veilseg.training.teacher import Teacher

RECIPE_NAME = "recipe.json"
LAST = Path("checkpoints") / "last.ckpt"
AVERAGED = 5  # steps between which a long run's weights are averaged: on a GPU it takes as long as a quarter of a step
# Warnings of Lightning and torch about what is meant here, or about themselves.
NOISE = (
    *("does not have many workers", "logging interval", "GPU available", "Checkpoint directory", "dirpath has changed"),
    *("LeafSpec", "broadcast_buffers"),
)


@dataclass
class Run:
    """Everything that a run needs, built and checked."""

    trainer: pl.Trainer
    module: SegmentationTraining
    data: RunData
    stop: StopBetweenSteps
    counts: np.ndarray  # pixels of training per class, then the ignored ones, int64 [K + 1]


#: Who started the processes of a run, where it was not Lightning: how they find each other, and which one this is.
Launch = tuple[DDPStrategy, ClusterEnvironment]


def train(recipe: Recipe, folder: Path, launch: Launch | None = None) -> SegmentationModel:
    """Train by a recipe; leave checkpoints, logs (CSV, TensorBoard) and the model's two files in `folder`.

    A run that was interrupted goes on from its last checkpoint when the recipe is the same; a finished one gives its
    model as it is. launch: where another program started the processes.

    Raises UsageError for a folder with another recipe's run or one that goes on, InvalidDataError for unfit datasets,
    and KeyboardInterrupt, after a checkpoint, when Ctrl-C or SIGTERM asks it to stop.
    """
    refuse_other_run(folder, recipe)
    if (folder / CONFIG_NAME).exists():  # what save_model writes last
        return load_model(folder)
    run = prepare(recipe, folder, launch=launch)
    before.check_classes(run.counts, run.data.val_samples.data)
    if not run.trainer.is_global_zero:
        return _finish(run, recipe, folder)
    make_folder(folder)
    with locked(folder / RECIPE_NAME, wait=False):  # two runs would overwrite each other's checkpoints
        write_atomic(folder / RECIPE_NAME, _record(recipe).encode(), overwrite=True)
        return _finish(run, recipe, folder)


def _finish(run: Run, recipe: Recipe, folder: Path) -> SegmentationModel:
    trainer, module = run.trainer, run.module
    try:
        with run.stop.listening(), before.workers_go_on():
            trainer.fit(module, run.data, ckpt_path=before.whole_checkpoint(folder / LAST), weights_only=True)
    except StoppedError:
        raise KeyboardInterrupt from None
    if "val_miou" not in trainer.callback_metrics:  # stopped between its last checkpoint and the model's file
        module.load_state_dict(torch.load(folder / LAST, weights_only=True)["state_dict"])  # that of the average
        trainer.validate(module, run.data, verbose=False)
    metrics = {name: round(float(value), 2) for name, value in trainer.callback_metrics.items() if "val_" in name}
    model = module.model
    model.config.training = {
        "recipe": _published(recipe),
        "steps": trainer.global_step,
        "veilseg": __version__,
        "torch": torch.__version__,
        **metrics,
    }
    model = model.to(memory_format=torch.contiguous_format).cpu().eval()
    _switch_input(model, True)
    if trainer.is_global_zero:
        save_model(model, folder)
    return model


def open_source(source: Source) -> SegmentationData:
    """The dataset that a recipe names."""
    return open_data(expand(source.source), source.split)


def prepare(
    recipe: Recipe,
    folder: Path,
    opener: Callable[[Source], SegmentationData] = open_source,
    launch: Launch | None = None,
) -> Run:
    """Everything that a run in `folder` needs, built and checked, before any work; errors as for `train`."""
    longer_side = ORIGINAL if recipe.data.longer_side == "original" else recipe.data.longer_side
    sources = [ReducedData(opener(source), longer_side) for source in recipe.data.train]
    val = ReducedData(opener(recipe.data.val), longer_side)
    before.same_classes([*sources, val])
    if recipe.machine.threads:
        torch.set_num_threads(recipe.machine.threads)
    samples = TrainingSamples(recipe, sources, [])
    before.check_machine(recipe, val, in_memory=samples.in_memory)
    pl.seed_everything(recipe.train.seed, verbose=False)
    key = None if recipe.method.key is None else Key.load(recipe.method.key)
    counts = np.sum([label_counts(source, samples.num_classes) for source in samples.sources], axis=0)
    model = first_model(recipe, val, samples.sources[0], key)
    model.config.longer_side = typical_side(samples.sources[0])
    teacher = Teacher(recipe.method, model) if recipe.method.teacher is not None else None
    if len(val) < recipe.machine.devices * recipe.machine.nodes:
        raise UsageError(f"{val.name} has {len(val)} images, fewer than there are processes", "use fewer devices")
    transform = input_transform(model.config.input, key)
    samples.transforms = [transform]
    if teacher is not None and recipe.method.answers == "image":
        if not samples.in_memory:
            raise UsageError("method.answers: image needs data that fits in memory", "use method.answers=crop")
        samples.answer = teacher.answer
    elif teacher is not None:
        samples.transforms.append(teacher.transform)
    _switch_input(model, False)
    model = model.to(memory_format=torch.channels_last).train()
    stop = StopBetweenSteps(folder / LAST)
    with before.refused_machines():
        trainer = _trainer(recipe, folder, stop, launch)
    if recipe.machine.devices * recipe.machine.nodes > 1 and trainer.strategy.root_device.type == "cpu":
        share_batch_norm(model)
    weights = class_weights(torch.as_tensor(counts[:-1]), recipe.loss.balance)
    module = SegmentationTraining(model, recipe, weights, teacher)
    data = RunData(samples, ValidationSamples(val, transform, model.config.size_multiple))
    return Run(trainer, module, data, stop, counts)


def _trainer(recipe: Recipe, folder: Path, stop: StopBetweenSteps, launch: Launch | None) -> pl.Trainer:
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    for noise in NOISE:
        warnings.filterwarnings("ignore", f".*{noise}.*")
    train, machine = recipe.train, recipe.machine
    watched = sys.stderr.isatty() and os.environ.get("LOCAL_RANK", "0") == "0"
    several = machine.devices * machine.nodes > 1
    callbacks: list[pl.Callback] = [WaitingShare()]
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
    if watched:
        callbacks.append(TQDMProgressBar(refresh_rate=10))
    # Buffers agree without being sent, since every process has the whole batch's statistics; sending them would wait
    # for ever in validation, where processes differ in work.
    strategy: DDPStrategy | str = DDPStrategy(broadcast_buffers=False) if several else "auto"
    loggers = [CSVLogger(folder, name="log"), TensorBoardLogger(folder, name="tensorboard")]
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
        callbacks=callbacks,
        num_sanity_val_steps=0,
        logger=loggers,
        enable_progress_bar=watched,
        enable_model_summary=False,
    )


def refuse_other_run(folder: Path, recipe: Recipe) -> None:
    """Raise UsageError when `folder` has a run of another recipe; the machine may be another."""
    path = folder / RECIPE_NAME
    if not path.exists():
        return
    try:
        found = dict(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, TypeError) as error:
        raise UsageError(f"{path} is no record of a run", "choose another folder with -o") from error
    wanted = json.loads(_record(recipe))
    if any(found.get(name) != values for name, values in wanted.items() if name != "machine"):
        raise UsageError(f"{folder} already holds a run of another recipe", "choose another folder with -o")


def _record(recipe: Recipe) -> str:
    return json.dumps(recipe.model_dump(mode="json"), indent=1) + "\n"


def _published(recipe: Recipe) -> dict[str, Any]:
    """The recipe as the model's config keeps it: of files, folders and datasets the last part, not where they lay."""
    values: dict[str, Any] = recipe.model_dump(mode="json")
    named = [(values["model"]["arguments"], "weights"), *((values["method"], n) for n in ("key", "start", "teacher"))]
    named += [(source, "source") for source in (*values["data"]["train"], values["data"]["val"])]
    for entries, name in named:
        if entries.get(name):
            kind, colon, where = str(entries[name]).rpartition(":")
            entries[name] = f"{kind}{colon}{Path(where).name}"
    return values


def _switch_input(model: SegmentationModel, enabled: bool) -> None:
    prepare: Any = model.prepare
    if prepare is not None:
        prepare.enabled = enabled
