"""The stream of training samples: drawn, augmented, brought into the form that the model reads."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from veilseg.ciphers import canonicalize, mosaic
from veilseg.data import Sample, SegmentationData
from veilseg.training.augment import augment
from veilseg.training.recipe import ModelPart, Recipe


def model_input(image: NDArray[np.uint8], model: ModelPart) -> NDArray[np.uint8]:
    """What the model sees of a plain image, uint8 [H, W, 3] -> the same shape; sides are multiples of the block."""
    if model.input == "canonical":
        return canonicalize(image, model.block, model.sub_block)
    if model.input == "mosaic":
        return mosaic(image, model.sub_block)
    return image


class TrainingSamples(Dataset[tuple[Tensor, Tensor]]):
    """Sample number i of the run, whole and alone a function of (recipe, i): a resumed run sees what it would have seen.

    Photographs come in the order of a fresh permutation per pass; a share of the samples are generated scenes.
    Returns (uint8 [3, h, w] as the model reads it, int64 [h, w] labels).
    """

    def __init__(self, recipe: Recipe, photographs: SegmentationData, scenes: SegmentationData | None) -> None:
        self.recipe = recipe
        # Both fit in memory (a CamVid pair is 0.7 MB), and decoding a file costs as much as augmenting it.
        self.photographs = [photographs[i] for i in range(len(photographs))]
        self.scenes = [] if scenes is None else [scenes[i] for i in range(len(scenes))]

    def __len__(self) -> int:
        return self.recipe.train.steps * self.recipe.train.batch

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        rng = np.random.default_rng([self.recipe.train.seed, index])
        sample = self._draw(index, rng)
        image, label = augment(sample.image, sample.label, self.recipe.augment, rng)
        pixels = model_input(image, self.recipe.model)
        return torch.from_numpy(pixels).permute(2, 0, 1), torch.from_numpy(label).long()

    def _draw(self, index: int, rng: np.random.Generator) -> Sample:
        if self.scenes and rng.random() < self.recipe.data.scenes_share:
            return self.scenes[rng.integers(len(self.scenes))]
        count = len(self.photographs)
        order = np.random.default_rng([self.recipe.train.seed, index // count]).permutation(count)
        return self.photographs[order[index % count]]
