"""One training run from a recipe to a folder that holds the model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import numpy as np
import torch
from lightning.pytorch.callbacks import EMAWeightAveraging, ModelCheckpoint, TQDMProgressBar
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, Subset

from veilseg.data import IGNORED, SegmentationData, open_data
from veilseg.errors import UsageError
from veilseg.models.convseg import ConvSeg
from veilseg.training.losses import class_weights
from veilseg.training.module import SegmentationTraining
from veilseg.training.recipe import Recipe, expand
from veilseg.training.samples import TrainingSamples, model_input


class ValidationSamples(Dataset[tuple[Tensor, Tensor]]):
    """Whole images, padded by reflection to the block as encryption does; the padding is labelled 255."""

    def __init__(self, recipe: Recipe, data: SegmentationData) -> None:
        self.recipe, self.data = recipe, data

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        sample, block = self.data[index], self.recipe.model.block
        pad = [(0, -side % block) for side in sample.label.shape]
        pixels = model_input(np.pad(sample.image, [*pad, (0, 0)], mode="reflect"), self.recipe.model)
        label = np.pad(sample.label, pad, constant_values=IGNORED)
        return torch.from_numpy(pixels).permute(2, 0, 1), torch.from_numpy(label).long()


class RunData(pl.LightningDataModule):
    """Hands the loop `validate_every` steps of samples at a time, so that every checkpoint ends on a boundary."""

    def __init__(self, recipe: Recipe, train: SegmentationData, scenes: SegmentationData | None, val: SegmentationData):
        super().__init__()
        self.recipe = recipe
        self.train_samples = TrainingSamples(recipe, train, scenes)
        self.val_samples = ValidationSamples(recipe, val)

    def train_dataloader(self) -> Any:
        assert self.trainer is not None
        part = self.recipe.train
        size = part.validate_every * part.batch
        start = self.trainer.current_epoch * size
        indices = range(start, min(start + size, len(self.train_samples)))
        return DataLoader(Subset(self.train_samples, indices), batch_size=part.batch)

    def val_dataloader(self) -> Any:
        return DataLoader(self.val_samples, batch_size=1)  # images of a folder may differ in size


def train(recipe: Recipe, folder: Path, *, resume: bool = True, progress: bool = True) -> dict[str, float]:
    """Train by a recipe; write checkpoints and the model into `folder`; return the last validation's metrics in percent.

    A run that was interrupted goes on from its last checkpoint when `resume` is true and the recipe is the same.
    Raises UsageError for a folder that holds a run of another recipe, InvalidData for datasets that do not fit.
    """
    _claim(folder, recipe, resume)
    photographs = open_data(expand(recipe.data.train), recipe.data.train_split)
    val = open_data(expand(recipe.data.val), recipe.data.val_split)
    scenes = open_data(f"scenes:{recipe.data.scenes}") if recipe.data.scenes else None
    part = recipe.train
    if part.threads:
        torch.set_num_threads(part.threads)
    pl.seed_everything(part.seed, verbose=False)
    data = RunData(recipe, photographs, scenes, val)
    classes = len(photographs.classes)
    network = build_network(recipe, classes)
    module = SegmentationTraining(network, part, _weights(data.train_samples, classes))
    checkpoints = ModelCheckpoint(folder / "checkpoints", save_last=True, save_on_train_epoch_end=True)
    trainer = pl.Trainer(
        default_root_dir=folder,
        max_steps=part.steps,
        callbacks=[EMAWeightAveraging(decay=part.average), checkpoints, TQDMProgressBar(refresh_rate=10)],
        reload_dataloaders_every_n_epochs=1,
        num_sanity_val_steps=0,
        logger=pl.loggers.CSVLogger(folder, name="log"),
        enable_progress_bar=progress,
        enable_model_summary=False,
    )
    last = folder / "checkpoints" / "last.ckpt"
    trainer.fit(module, data, ckpt_path=str(last) if last.exists() else None)
    return {name: float(value) for name, value in trainer.callback_metrics.items() if name.startswith("val_")}


def build_network(recipe: Recipe, num_classes: int) -> nn.Module:
    """The recipe's network, without its input layer: training hands it what that layer would give."""
    patch = recipe.model.sub_block if recipe.model.input != "plain" else 4
    return ConvSeg(num_classes, patch=patch, **recipe.model.arguments)


def _claim(folder: Path, recipe: Recipe, resume: bool) -> None:
    path = folder / "recipe.json"
    text = json.dumps(recipe.to_dict(), indent=1)
    if path.exists() and (not resume or path.read_text() != text):
        why = "another recipe" if resume else "a run"
        raise UsageError(f"{folder} already holds {why}", "choose another folder with -o, or remove this one")
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def _weights(samples: TrainingSamples, num_classes: int) -> Tensor:
    counts = sum(np.bincount(sample.label.ravel(), minlength=IGNORED + 1) for sample in samples.photographs)
    return class_weights(torch.from_numpy(np.asarray(counts)[:num_classes]))
