"""One training run: from a recipe to a folder that holds the model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import numpy as np
import torch

from veilseg import __version__
from veilseg.data import SegmentationData, open_data
from veilseg.data.check import name_some
from veilseg.data.reduced import ReducedData
from veilseg.errors import UsageError
from veilseg.files import locked, make_folder, write_atomic
from veilseg.keys import Key
from veilseg.modelconfig import RECIPE_NAME
from veilseg.models import SegmentationModel, load_model, save_model
from veilseg.scale import ORIGINAL
from veilseg.training import before
from veilseg.training.against_start import validate_start, warn_if_worse
from veilseg.training.callbacks import StopBetweenSteps, StoppedError, StoppedRun
from veilseg.training.distributed import share_batch_norm
from veilseg.training.inputs import input_transform
from veilseg.training.load import expand
from veilseg.training.loading import RunData
from veilseg.training.losses import class_weights
from veilseg.training.module import SegmentationTraining
from veilseg.training.progress import logger
from veilseg.training.recipe import Recipe, Source
from veilseg.training.record import is_finished, published, record, refuse_other_run
from veilseg.training.report.page import write_report
from veilseg.training.samples import TrainingSamples, ValidationSamples, label_counts, typical_side
from veilseg.training.start import first_model
from veilseg.training.teacher import Teacher
from veilseg.training.trainer import LAST, LOG_NAME, Launch, make_trainer


@dataclass
class Run:
    """Everything that a run needs, built and checked."""

    trainer: pl.Trainer
    module: SegmentationTraining
    data: RunData
    stop: StopBetweenSteps
    counts: np.ndarray  # pixels of training per class, then the ignored ones, int64 [K + 1]


def train(recipe: Recipe, folder: Path, launch: Launch | None = None) -> SegmentationModel:
    """Train by a recipe; leave checkpoints, logs (CSV, TensorBoard), a report and the model's two files in `folder`.

    A run that was interrupted goes on from its last checkpoint when the recipe is the same, and a finished one gives
    its model as it is; with more steps in the recipe either is lengthened. launch: where another program started the
    processes. What is worth knowing meanwhile goes to the logger "veilseg.training".

    Raises UsageError for a folder with another recipe's run or one that goes on, InvalidDataError for unfit datasets,
    and StoppedRun, a KeyboardInterrupt, after a checkpoint, when Ctrl-C or SIGTERM asks it to stop.
    """
    steps = refuse_other_run(folder, recipe)
    if is_finished(folder, recipe):
        return load_model(folder)
    if steps is not None and steps < recipe.train.steps:
        logger.info("%s is lengthened from %d to %d steps", folder, steps, recipe.train.steps)
    run = prepare(recipe, folder, launch=launch)
    before.check_classes(run.counts, run.data.val_samples.data)
    if not run.trainer.is_global_zero:
        return _finish(run, recipe, folder)
    make_folder(folder)
    with locked(folder / RECIPE_NAME, wait=False):  # two runs would overwrite each other's checkpoints
        write_atomic(folder / RECIPE_NAME, record(recipe), overwrite=True)
        return _finish(run, recipe, folder)


def _finish(run: Run, recipe: Recipe, folder: Path) -> SegmentationModel:
    trainer, module, start = run.trainer, run.module, recipe.method.start
    checkpoint = before.whole_checkpoint(folder / LAST)
    try:
        with run.stop.listening(), before.workers_go_on():
            if start is not None and checkpoint is None:
                validate_start(trainer, module, run.data)
            trainer.fit(module, run.data, ckpt_path=checkpoint, weights_only=True)
    except StoppedError:
        raise StoppedRun(trainer.global_step, recipe.train.steps) from None
    if not module.went_on:  # stopped between its last checkpoint and the model's file
        module.load_state_dict(torch.load(folder / LAST, weights_only=True)["state_dict"])  # that of the average
    if module.validated_at != trainer.global_step:
        trainer.validate(module, run.data, verbose=False)
    metrics = {name: round(float(value), 2) for name, value in trainer.callback_metrics.items() if "val_" in name}
    model = module.model
    model.config.training = {
        "recipe": published(recipe),
        "steps": trainer.global_step,
        "veilseg": __version__,
        "torch": torch.__version__,
        **metrics,
    }
    model = model.to(memory_format=torch.contiguous_format).cpu().eval()
    if trainer.is_global_zero:
        write_report(folder, folder / LOG_NAME, module, run.data.val_samples)
        if start is not None:
            warn_if_worse(module.start_miou, metrics.get("val_miou"), start)
    _switch_input(model, True)
    if trainer.is_global_zero:
        save_model(model, folder, overwrite=True)  # of a run that was lengthened there is an older one
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
    _tell_data(sources, val)
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
        trainer = make_trainer(recipe, folder, stop, launch)
    _tell_model(recipe, model, trainer)
    if recipe.machine.devices * recipe.machine.nodes > 1 and trainer.strategy.root_device.type == "cpu":
        share_batch_norm(model)
    weights = class_weights(torch.as_tensor(counts[:-1]), recipe.loss.balance)
    module = SegmentationTraining(model, recipe, weights, teacher)
    data = RunData(samples, ValidationSamples(val, transform, model.config.size_multiple))
    return Run(trainer, module, data, stop, counts)


def _tell_data(sources: Sequence[SegmentationData], val: SegmentationData) -> None:
    """What is learned from, before any of it is read."""
    named = " and ".join(f"{source.name} ({len(source)} images)" for source in sources)
    classes = f"{len(val.classes)} classes ({name_some(val.classes)})"
    logger.info("data: %s; validated on %s (%d images); %s", named, val.name, len(val), classes)


def _tell_model(recipe: Recipe, model: SegmentationModel, trainer: pl.Trainer) -> None:
    """What learns, and for how long."""
    spec, section = model.config.input.encryption, recipe.train
    count = sum(parameter.numel() for parameter in model.parameters())
    reads = "plain images" if spec is None else str(spec)
    logger.info("model: %s of %s parameters, reads %s", model.config.architecture, f"{count:,}", reads)
    device, (height, width) = trainer.strategy.root_device, recipe.augment.crop
    crops = f"{section.batch} crops of {height} x {width}"
    logger.info("run: %d steps of %s on %s x %d", section.steps, crops, device.type, trainer.world_size)


def _switch_input(model: SegmentationModel, enabled: bool) -> None:
    prepare: Any = model.prepare
    if prepare is not None:
        prepare.enabled = enabled
