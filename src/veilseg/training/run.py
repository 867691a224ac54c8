"""One training run: from a recipe to a folder that holds the model."""

from __future__ import annotations

import json
import logging
import sys
import warnings
from pathlib import Path

import lightning.pytorch as pl
import numpy as np
import torch
from lightning.pytorch.callbacks import EMAWeightAveraging, ModelCheckpoint, TQDMProgressBar
from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger
from torch import Tensor

from veilseg import __version__
from veilseg.data import IGNORED, SegmentationData, open_data
from veilseg.errors import InvalidData, UsageError
from veilseg.files import write_atomic
from veilseg.models import SegmentationModel, create_model, load_model, save_model
from veilseg.modelspec import CONFIG_NAME
from veilseg.training.losses import class_weights
from veilseg.training.module import SegmentationTraining
from veilseg.training.recipe import Recipe, expand
from veilseg.training.samples import RunData, TrainingSamples

RECIPE_NAME = "recipe.json"
LAST = Path("checkpoints") / "last.ckpt"


def train(recipe: Recipe, folder: Path) -> SegmentationModel:
    """Train by a recipe; leave checkpoints, logs (CSV, TensorBoard) and the model's two files in `folder`.

    A run that was interrupted goes on from its last checkpoint when the recipe is the same; a finished one gives its
    model as it is. Raises UsageError for a folder with a run of another recipe, InvalidData for unfit datasets.
    """
    _refuse_other_run(folder, recipe)
    if (folder / CONFIG_NAME).exists():  # what save_model writes last
        return load_model(folder)
    model, trainer, module, data = prepare(recipe, folder)
    folder.mkdir(parents=True, exist_ok=True)
    write_atomic(folder / RECIPE_NAME, _record(recipe).encode(), overwrite=True)
    trainer.fit(module, data, ckpt_path=str(folder / LAST) if (folder / LAST).exists() else None, weights_only=True)
    if trainer.global_step < recipe.train.steps:  # Lightning ends quietly on Ctrl-C
        raise KeyboardInterrupt
    if "val_miou" not in trainer.callback_metrics:  # stopped between its last checkpoint and the model's file
        module.load_state_dict(torch.load(folder / LAST, weights_only=True)["state_dict"])  # that of the average
        trainer.validate(module, data, verbose=False)
    metrics = {name: round(float(value), 2) for name, value in trainer.callback_metrics.items() if "val_" in name}
    model.config.training = {"recipe": recipe.to_dict(), "veilseg": __version__, "torch": torch.__version__, **metrics}
    model = model.to(memory_format=torch.contiguous_format).eval()
    _switch_input(model, True)
    save_model(model, folder)
    return model


def prepare(recipe: Recipe, folder: Path) -> tuple[SegmentationModel, pl.Trainer, SegmentationTraining, RunData]:
    """Everything that a run in `folder` needs, built and checked, before any work; errors as for `train`."""
    photographs = open_data(expand(recipe.data.train), recipe.data.train_split)
    val = open_data(expand(recipe.data.val), recipe.data.val_split)
    scenes = open_data(f"scenes:{recipe.data.scenes}") if recipe.data.scenes else None
    _same_classes(photographs, val, scenes)
    if recipe.train.threads:
        torch.set_num_threads(recipe.train.threads)
    pl.seed_everything(recipe.train.seed, verbose=False)
    model = build_model(recipe, photographs)
    data = RunData(recipe, photographs, scenes, val)
    module = SegmentationTraining(model, recipe.train, _weights(data.train_samples, len(photographs.classes)))
    return model, _trainer(recipe, folder), module, data


def build_model(recipe: Recipe, data: SegmentationData) -> SegmentationModel:
    """The recipe's model, ready to be trained: without its input layer, statistics of the pixels not yet folded."""
    part = recipe.model
    model = create_model(
        part.architecture,
        classes=data.classes,
        palette=data.palette.tolist(),
        input=part.input,
        block=part.block,
        sub_block=part.sub_block,
        **part.arguments,
    )
    model.unfold_normalization()
    _switch_input(model, False)
    return model.to(memory_format=torch.channels_last)


def _trainer(recipe: Recipe, folder: Path) -> pl.Trainer:
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    for noise in (".*does not have many workers.*", ".*logging interval.*", ".*LeafSpec.*", ".*GPU available.*"):
        warnings.filterwarnings("ignore", noise)
    watched = sys.stderr.isatty()
    return pl.Trainer(
        default_root_dir=folder,
        max_steps=recipe.train.steps,
        callbacks=[
            EMAWeightAveraging(decay=recipe.train.average),
            ModelCheckpoint(folder / LAST.parent, save_last=True, save_on_train_epoch_end=True),
            *([TQDMProgressBar(refresh_rate=10)] if watched else []),
        ],
        reload_dataloaders_every_n_epochs=1,
        num_sanity_val_steps=0,
        logger=[CSVLogger(folder, name="log"), TensorBoardLogger(folder, name="tensorboard")],
        enable_progress_bar=watched,
        enable_model_summary=False,
    )


def _refuse_other_run(folder: Path, recipe: Recipe) -> None:
    path = folder / RECIPE_NAME
    if path.exists() and path.read_text(encoding="utf-8") != _record(recipe):
        raise UsageError(f"{folder} already holds a run of another recipe", "choose another folder with -o")


def _record(recipe: Recipe) -> str:
    return json.dumps(recipe.to_dict(), indent=1) + "\n"


def _same_classes(train: SegmentationData, val: SegmentationData, scenes: SegmentationData | None) -> None:
    for other in (val, scenes):
        if other is not None and other.classes != train.classes:
            raise InvalidData(
                f"{train.name} and {other.name} have different classes", "use datasets with one class list"
            )


def _switch_input(model: SegmentationModel, enabled: bool) -> None:
    if model.prepare is not None:
        model.prepare.enabled = enabled


def _weights(samples: TrainingSamples, num_classes: int) -> Tensor:
    counts = np.zeros(IGNORED + 1, np.int64)
    for sample in samples.photographs:
        found = np.bincount(sample.label.ravel(), minlength=IGNORED + 1)
        if unknown := [int(label) for label in np.flatnonzero(found[:IGNORED]) if label >= num_classes]:
            raise InvalidData(
                f"the label of {sample.name} holds {unknown[:5]}, but there are {num_classes} classes",
                f"ids are 0 to {num_classes - 1}, and {IGNORED} is ignored",
            )
        counts += found
    return class_weights(torch.from_numpy(counts[:num_classes]))
