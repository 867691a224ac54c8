"""The samples of a run: drawn, augmented, brought into the form that the model reads."""

from __future__ import annotations

from typing import Any

import lightning.pytorch as pl
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Subset

from veilseg.ciphers import canonicalize, mosaic
from veilseg.data import IGNORED, Sample, SegmentationData
from veilseg.training.augment import augment
from veilseg.training.recipe import ModelPart, Recipe

Pair = tuple[Tensor, Tensor]  # uint8 [3, h, w] as the model reads it, int64 [h, w] labels


class TrainingSamples(Dataset[Pair]):
    """Sample number i of the run is a function of (recipe, i) alone: a resumed run sees what it would have seen.

    Photographs come in the order of a fresh permutation per pass; a share of the samples are generated scenes.
    """

    def __init__(self, recipe: Recipe, photographs: SegmentationData, scenes: SegmentationData | None) -> None:
        self.recipe = recipe
        # Both fit in memory (a CamVid pair is 0.7 MB), and decoding a file costs as much as augmenting it.
        self.photographs = [photographs[i] for i in range(len(photographs))]
        self.scenes = [] if scenes is None else [scenes[i] for i in range(len(scenes))]

    def __len__(self) -> int:
        return self.recipe.train.steps * self.recipe.train.batch

    def __getitem__(self, index: int) -> Pair:
        rng = np.random.default_rng([self.recipe.train.seed, index])
        sample = self._draw(index, rng)
        image, label = augment(sample.image, sample.label, self.recipe.augment, rng)
        return _tensors(_model_input(image, self.recipe.model), label)

    def _draw(self, index: int, rng: np.random.Generator) -> Sample:
        if self.scenes and rng.random() < self.recipe.data.scenes_share:
            return self.scenes[int(rng.integers(len(self.scenes)))]
        count = len(self.photographs)
        order = np.random.default_rng([self.recipe.train.seed, index // count]).permutation(count)
        return self.photographs[int(order[index % count])]


class ValidationSamples(Dataset[Pair]):
    """Whole images, padded by reflection to the block as encryption does; the padding is labelled 255."""

    def __init__(self, recipe: Recipe, data: SegmentationData) -> None:
        self.recipe, self.data = recipe, data

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: int) -> Pair:
        sample, block = self.data[index], self.recipe.model.block
        pad = [(0, -side % block) for side in sample.label.shape]
        image = np.pad(sample.image, [*pad, (0, 0)], mode="reflect")
        return _tensors(_model_input(image, self.recipe.model), np.pad(sample.label, pad, constant_values=IGNORED))


class RunData(pl.LightningDataModule):
    """Hands the loop `validate_every` steps of samples at a time, so that every checkpoint lies on a boundary."""

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


def _model_input(image: NDArray[np.uint8], model: ModelPart) -> NDArray[np.uint8]:
    """What the network sees of a plain image, uint8 [H, W, 3] -> the same shape; sides are multiples of the block."""
    if model.input == "canonical":
        return canonicalize(image, model.block, model.sub_block)
    if model.input == "mosaic":
        return mosaic(image, model.sub_block)
    return image


def _tensors(pixels: NDArray[np.uint8], label: NDArray[np.uint8]) -> Pair:
    return torch.tensor(pixels).permute(2, 0, 1).contiguous(), torch.tensor(label).long()
