"""The samples of a run: drawn on the CPU, kept, augmented and encrypted in batches where the network runs."""

from __future__ import annotations

import dataclasses
import statistics
import zlib
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from veilseg.ciphers import InputTransform
from veilseg.data import IGNORED, Sample, SegmentationData
from veilseg.errors import InvalidDataError
from veilseg.training.augment import Changes, cut, cut_all, cut_answers, draw_changes, relight
from veilseg.training.recipe import AugmentSection, Recipe

# images uint8 (int32 for "ffx") [N, 3, h, w] as the model reads them (then what the teacher reads, or its answers,
# float [N, K, h/2, w/2], where there is one), labels int64 [N, h, w]
Batch = tuple[Tensor, ...]
MEMORY_LIMIT = 2 << 30  # bytes of one dataset that are kept decoded; a CamVid pair is 0.7 MB
LOOKED_AT = 500  # label maps of a dataset that are read before the run


@dataclasses.dataclass(frozen=True)
class Drawn:
    """One sample as it is drawn: where it lies, what changes, and its pixels where the source is not in memory."""

    source: int
    index: int
    changes: Changes
    key_seed: int
    pixels: tuple[Tensor, Tensor] | None


class TrainingSamples(Dataset[Drawn]):
    """Sample number i of the run is a function of (recipe, i) alone: a resumed run sees what it would have seen.

    A source is drawn by its weight; its images come in the order of a fresh permutation per pass. `answer`, where it
    is set, gives a teacher's answer for a whole image, uint8 [1, 3, H, W], on the image's device.
    """

    answer: Callable[[Tensor], Tensor] | None = None

    def __init__(
        self, recipe: Recipe, sources: Sequence[SegmentationData], transforms: Sequence[InputTransform]
    ) -> None:
        self.recipe, self.transforms = recipe, list(transforms)
        self.sources = [in_memory(source) for source in sources]
        self.num_classes = len(sources[0].classes)
        weights = np.array([source.weight for source in recipe.data.train])
        self.until = np.cumsum(weights / weights.sum())
        self._held: dict[int, list[Any]] = {}

    @property
    def in_memory(self) -> bool:
        """Whether every source is: then nothing is read while the run goes on."""
        return all(isinstance(source, list) for source in self.sources)

    def __len__(self) -> int:
        return self.recipe.train.steps * self.recipe.train.batch

    def __getitem__(self, index: int) -> Drawn:
        seed = self.recipe.train.seed
        rng = np.random.default_rng([seed, index])
        which = min(int(np.searchsorted(self.until, rng.random(), side="right")), len(self.sources) - 1)
        source = self.sources[which]
        order = np.random.default_rng([seed, which, index // len(source)]).permutation(len(source))
        place = int(order[index % len(source)])
        sample: Sample = source[place]
        changes = draw_changes(sample.label.shape[:2], self.recipe.augment, rng, _seed(f"{seed}:{index}"))
        fixed = self.recipe.method.keys == "fixed"
        keys = _seed(f"{seed}:{sample.name}") if fixed else changes.seed
        if isinstance(source, list):
            return Drawn(which, place, changes, keys, None)
        check_labels(sample, self.num_classes)
        return Drawn(which, place, changes, keys, cut(*_tensors(sample), changes, self.recipe.augment.crop))

    def batch(self, drawn: Sequence[Drawn], device: torch.device) -> Batch:
        """What the networks read of drawn samples, on `device`."""
        parts: list[tuple[Tensor, ...]] = [()] * len(drawn)
        places: dict[int, list[int]] = defaultdict(list)
        for place, one in enumerate(drawn):
            if one.pixels is not None:
                parts[place] = one.pixels
            else:
                places[one.source].append(place)
        for which, found in places.items():
            for place, part in zip(found, self._cut(which, [drawn[place] for place in found], device), strict=True):
                parts[place] = part
        images, labels, *answers = (torch.stack(part).to(device) for part in zip(*parts, strict=True))
        if self.recipe.augment.photometric:
            images = relight(images, [one.changes for one in drawn])
        seeds = [one.key_seed for one in drawn]
        return (*(transform(images, seeds) for transform in self.transforms), *answers, labels.long())

    def _cut(self, which: int, drawn: Sequence[Drawn], device: torch.device) -> list[tuple[Tensor, ...]]:
        """Crops of the image, the label and, with a teacher asked once, its answer: of one source that is in memory."""
        images, labels, *answers = self._on(device, which)
        changes, crop = [one.changes for one in drawn], self.recipe.augment.crop
        half = (crop[0] // 2, crop[1] // 2)
        if isinstance(images, Tensor):
            index = torch.tensor([one.index for one in drawn], device=device)
            parts = [*cut_all(images[index], labels[index], changes, crop)]
            parts += [cut_answers(known[index], labels.shape[1:], changes, half) for known in answers]
            return [*zip(*parts, strict=True)]
        found = []
        for one, change in zip(drawn, changes, strict=True):
            image, label = images[one.index], labels[one.index]
            known = [cut_answers(answer[one.index][None], label.shape, [change], half)[0] for answer in answers]
            found.append((*cut(image, label, change, crop), *known))
        return found

    def _on(self, device: torch.device, which: int) -> list[Any]:
        """Images, labels and perhaps answers of a source in memory, on the device: sequences of tensors.

        On a GPU they are one tensor each, where all images are of one size.
        """
        if which not in self._held:
            for sample in self.sources[which]:
                check_labels(sample, self.num_classes)
            pairs = [_tensors(sample) for sample in self.sources[which]]
            parts = [[tensor.to(device) for tensor in part] for part in zip(*pairs, strict=True)]
            if self.answer is not None:
                parts.append([self.answer(image[None]) for image in parts[0]])
            one_size = len({label.shape for label in parts[1]}) == 1
            self._held[which] = [torch.stack(part) for part in parts] if device.type != "cpu" and one_size else parts
        return self._held[which]


class ValidationSamples(Dataset[tuple[Tensor, Tensor, int]]):
    """Whole images, padded by reflection to the model's grid as encryption does; the padding is labelled 255."""

    def __init__(self, data: SegmentationData, transform: InputTransform, multiple: int) -> None:
        self.data, self.transform, self.multiple = data, transform, multiple

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor, int]:
        """Plain uint8 [3, H, W], its labels uint8 [H, W], and the seed of its keys."""
        sample = self.data[index]
        pad = [(0, -side % self.multiple) for side in sample.label.shape]
        image = np.pad(sample.image, [*pad, (0, 0)], mode="reflect")
        label = np.pad(sample.label, pad, constant_values=IGNORED)
        return *_tensors(Sample(sample.name, image, label)), _seed(f"val:{sample.name}")

    def batch(self, samples: Sequence[tuple[Tensor, Tensor, int]], device: torch.device) -> Batch:
        """What the network reads of one sample: [1, 3, H, W] and its labels int64 [1, H, W], on `device`."""
        [(image, label, seed)] = samples
        return self.transform(image[None].to(device), [seed]), label[None].to(device).long()


def plain_crop(sample: Sample, section: AugmentSection, rng: np.random.Generator) -> Tensor:
    """One augmented crop, uint8 [1, 3, h, w]."""
    changes = draw_changes(sample.label.shape[:2], section, rng)
    image, _ = cut(*_tensors(sample), changes, section.crop)
    return relight(image[None], [changes])


def in_memory(data: SegmentationData) -> Any:
    """The samples as a list where they fit, else the dataset: decoding a file costs as much as augmenting it."""
    first = data[0]
    if len(data) * (first.image.nbytes + first.label.nbytes) > MEMORY_LIMIT:
        return data
    return [_writable(data[index]) for index in range(len(data))]


def label_counts(source: Sequence[Sample], num_classes: int) -> NDArray[np.int64]:
    """Pixels per class, then the ignored ones, int64 [K + 1]; ids out of range are refused.

    Of at most LOOKED_AT images, spread evenly.
    """
    counts = np.zeros(num_classes + 1, np.int64)
    for index in range(0, len(source), -(-len(source) // LOOKED_AT)):
        found = check_labels(source[index], num_classes)
        counts += [*found, source[index].label.size - found.sum()]
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


def _seed(identity: str) -> int:
    """A seed for torch from a text, the same in every process."""
    return zlib.crc32(f"veilseg training {identity}".encode())


def _writable(sample: Sample) -> Sample:
    """The sample in memory that a tensor may share."""
    image, label = (np.require(values, None, "W") for values in (sample.image, sample.label))
    return dataclasses.replace(sample, image=image, label=label)


def _tensors(sample: Sample) -> tuple[Tensor, Tensor]:
    """Uint8 [3, H, W] and [H, W], in the sample's own memory where it may be written to."""
    sample = _writable(sample)
    return torch.from_numpy(sample.image).permute(2, 0, 1), torch.from_numpy(sample.label)
