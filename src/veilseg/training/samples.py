"""The samples of a run: drawn, augmented, brought into the form that the model reads."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from veilseg.ciphers import InputTransform
from veilseg.data import IGNORED, Sample, SegmentationData
from veilseg.errors import InvalidDataError
from veilseg.training.augment import augment
from veilseg.training.recipe import Recipe

# images uint8 (uint16 for "ffx") [C, h, w] as the model reads them (then those the teacher reads, where there is one),
# labels int64 [h, w]
Item = tuple[Tensor, ...]
MEMORY_LIMIT = 2 << 30  # bytes of one dataset that are kept decoded; a CamVid pair is 0.7 MB
LOOKED_AT = 500  # label maps of a dataset that are read before the run


class TrainingSamples(Dataset[Item]):
    """Sample number i of the run is a function of (recipe, i) alone: a resumed run sees what it would have seen.

    A source is drawn by its weight; its images come in the order of a fresh permutation per pass.
    """

    def __init__(
        self, recipe: Recipe, sources: Sequence[SegmentationData], transforms: Sequence[InputTransform]
    ) -> None:
        self.recipe, self.transforms = recipe, list(transforms)
        self.sources = [in_memory(source) for source in sources]
        self.num_classes = len(sources[0].classes)
        weights = np.array([source.weight for source in recipe.data.train])
        self.until = np.cumsum(weights / weights.sum())

    def __len__(self) -> int:
        return self.recipe.train.steps * self.recipe.train.batch

    def __getitem__(self, index: int) -> Item:
        rng = np.random.default_rng([self.recipe.train.seed, index])
        sample = self._draw(index, rng)
        check_labels(sample, self.num_classes)
        image, label = augment(sample.image, sample.label, self.recipe.augment, rng)
        fixed = self.recipe.method.keys == "fixed"
        identity = f"{self.recipe.train.seed}:{sample.name if fixed else index}"
        return (*(_image(transform(image, identity)) for transform in self.transforms), torch.tensor(label).long())

    def _draw(self, index: int, rng: np.random.Generator) -> Sample:
        which = min(int(np.searchsorted(self.until, rng.random(), side="right")), len(self.sources) - 1)
        source = self.sources[which]
        count = len(source)
        order = np.random.default_rng([self.recipe.train.seed, which, index // count]).permutation(count)
        sample: Sample = source[int(order[index % count])]
        return sample


class ValidationSamples(Dataset[Item]):
    """Whole images, padded by reflection to the model's grid as encryption does; the padding is labelled 255."""

    def __init__(self, data: SegmentationData, transform: InputTransform, multiple: int) -> None:
        self.data, self.transform, self.multiple = data, transform, multiple

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: int) -> Item:
        sample = self.data[index]
        pad = [(0, -side % self.multiple) for side in sample.label.shape]
        image = np.pad(sample.image, [*pad, (0, 0)], mode="reflect")
        label = np.pad(sample.label, pad, constant_values=IGNORED)
        return _image(self.transform(image, f"val:{sample.name}")), torch.tensor(label).long()


def in_memory(data: SegmentationData) -> Any:
    """The samples as a list where they fit, else the dataset: decoding a file costs as much as augmenting it."""
    first = data[0]
    if len(data) * (first.image.nbytes + first.label.nbytes) > MEMORY_LIMIT:
        return data
    return [data[index] for index in range(len(data))]


def label_counts(source: Sequence[Sample], num_classes: int) -> NDArray[np.int64]:
    """Pixels per class, int64 [K], over at most LOOKED_AT images spread evenly; ids out of range are refused."""
    counts = np.zeros(num_classes, np.int64)
    for index in range(0, len(source), -(-len(source) // LOOKED_AT)):
        counts += check_labels(source[index], num_classes)
    return counts


def typical_side(source: Sequence[Sample]) -> int:
    """The median of the longer sides, in pixels, of up to 16 images spread evenly: what a model works at."""
    sides = [max(source[index].label.shape) for index in range(0, len(source), -(-len(source) // 16))]
    return int(statistics.median_low(sides))


def check_labels(sample: Sample, num_classes: int) -> NDArray[np.int64]:
    """Pixels per class, int64 [K]; InvalidDataError for a label that is neither a class nor 255."""
    found = np.bincount(sample.label.ravel(), minlength=IGNORED + 1)
    if unknown := [int(label) for label in np.flatnonzero(found[:IGNORED]) if label >= num_classes]:
        raise InvalidDataError(
            f"the label of {sample.name} holds {unknown[:5]}, but there are {num_classes} classes",
            f"ids are 0 to {num_classes - 1}, and {IGNORED} is ignored",
        )
    return found[:num_classes]


def _image(pixels: NDArray[Any]) -> Tensor:
    return torch.tensor(pixels).permute(2, 0, 1).contiguous()
