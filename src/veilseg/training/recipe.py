"""A recipe: everything that decides a training run, as one YAML file whose mistakes are found before any work."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any

from veilseg.ciphers import cipher_of_input
from veilseg.errors import UsageError


@dataclass(frozen=True)
class ModelPart:
    """The network and what it reads: "plain" images, the "canonical" form (key-invariant, section 1.1), "shuffled"
    images as they are (the way of [P1]), the "mosaic" (section 1.2), "quartiles" between the two, or images under the
    conventional ciphers "shf", "np" or "ffx" with one key, `method.key` ([P2] Table 2). Other entries as for
    create_model."""

    architecture: str = "convseg"
    input: str = "canonical"
    block: int = 16
    sub_block: int = 8
    arguments: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class SourcePart:
    """One dataset as KIND:DIR (environment variables are expanded); `weight`: its share of the samples, any scale."""

    source: str = "camvid:$VEILSEG_CAMVID"
    split: str | None = None  # null: the dataset's own default, or it has no splits
    weight: float = 1.0


@dataclass(frozen=True)
class DataPart:
    """Where samples come from. All sources have the same classes."""

    train: tuple[SourcePart, ...] = (SourcePart(split="train"),)
    val: SourcePart = field(default_factory=lambda: SourcePart(split="val"))


@dataclass(frozen=True)
class AugmentPart:
    """Changes to a plain training sample, all before encryption. Ranges are [low, high]."""

    crop: tuple[int, int] = (256, 256)  # height, width in pixels
    scale: tuple[float, float] = (0.6, 1.8)
    flip: bool = True
    photometric: float = 1.0  # strength; 0 is off


@dataclass(frozen=True)
class MethodPart:
    """What a run does beyond fitting labels. Folders hold models; environment variables are not expanded."""

    keys: str = "redrawn"  # of "shuffled" training images: redrawn every time one is seen, or "fixed" per image
    start: str | None = None  # begin with the weights of this model wherever name and shape agree
    closed_form: bool = False  # and its patch embedding fitted to the model's own input by least squares
    key: str | None = (
        None  # the file of the one key of "shf", "np" and "ffx" input; with plain input: domain adaptation
    )
    # to that key (section 2.2), which needs `start`, a plain model
    teacher: str | None = None  # distil from this model, which sees its own kind of image of the same crop
    logits: float = 1.0  # weight of the teacher's class probabilities
    tokens: float = 0.0  # weight of the teacher's last feature map


@dataclass(frozen=True)
class OptimizerPart:
    """Linear warm-up, then a "cosine" or "polynomial" decay to zero over the run's steps."""

    name: str = "adamw"  # or "sgd"
    learning_rate: float = 2e-3
    weight_decay: float = 0.05
    momentum: float = 0.9  # sgd only
    schedule: str = "cosine"
    power: float = 0.9  # polynomial only
    warmup: float = 0.05  # share of the steps


@dataclass(frozen=True)
class LossPart:
    """Cross-entropy with class weights frequency ** -balance, plus `jaccard` times a soft Jaccard loss."""

    balance: float = 0.5
    jaccard: float = 0.5
    auxiliary: float = 0.4  # weight of every auxiliary head's loss, as OpenMMLab trains SETR


@dataclass(frozen=True)
class TrainPart:
    """Length and rhythm. What ships is an exponential average of the weights; 0 ships the last weights."""

    steps: int = 4500
    batch: int = 8  # images per step, over all processes and accumulated parts together
    accumulate: int = 1  # parts into which every process cuts its share of a batch
    average: float = 0.998  # decay per step
    validate_every: int = 500  # steps
    window: tuple[int, int] | None = None  # validate by sliding windows of this height and width; null: whole images
    checkpoint_every: int = 50  # steps; Ctrl-C and SIGTERM save at once
    patience: int = 0  # validations without a better mIoU after which the run ends; 0: never early
    seed: int = 0


@dataclass(frozen=True)
class MachinePart:
    """Where it runs. It may change between the parts of an interrupted run; the result is the same up to rounding."""

    accelerator: str = "auto"
    devices: int = 1  # per node
    nodes: int = 1
    precision: str = "32-true"
    workers: int = 1  # processes per device that prepare samples; 0: the training process itself
    threads: int = 0  # of torch per process; 0: its own choice


@dataclass(frozen=True)
class Recipe:
    """A whole training run."""

    model: ModelPart = field(default_factory=ModelPart)
    data: DataPart = field(default_factory=DataPart)
    augment: AugmentPart = field(default_factory=AugmentPart)
    method: MethodPart = field(default_factory=MethodPart)
    optimizer: OptimizerPart = field(default_factory=OptimizerPart)
    loss: LossPart = field(default_factory=LossPart)
    train: TrainPart = field(default_factory=TrainPart)
    machine: MachinePart = field(default_factory=MachinePart)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON or YAML; from_dict reads them back."""
        return dataclasses.asdict(self)


def check(recipe: Recipe) -> None:
    """Refuse what cannot work, before any work: raises UsageError with a hint."""
    _check_model(recipe)
    _check_method(recipe)
    train, machine = recipe.train, recipe.machine
    for side in recipe.augment.crop:
        if side < recipe.model.block or side % recipe.model.block:
            crop, block = list(recipe.augment.crop), recipe.model.block
            raise UsageError(f"augment.crop {crop} must be positive multiples of the block {block}")
    low, high = recipe.augment.scale
    if not 0 < low <= high:
        raise UsageError(f"augment.scale {[low, high]} must be [low, high] with 0 < low <= high")
    for name in ("steps", "batch", "accumulate", "validate_every", "checkpoint_every"):
        if getattr(train, name) < 1:
            raise UsageError(f"train.{name} must be at least 1")
    if not 0 <= train.average < 1:
        raise UsageError("train.average must be from 0 to below 1")
    if machine.devices < 1 or machine.nodes < 1:
        raise UsageError("machine.devices and machine.nodes must be at least 1")
    parts = machine.devices * machine.nodes * train.accumulate
    if train.batch % parts:
        raise UsageError(f"train.batch {train.batch} cannot be shared by {parts} parts", "devices x nodes x accumulate")
    if not recipe.data.train or min(part.weight for part in recipe.data.train) <= 0:
        raise UsageError("data.train must list sources with weights above 0")
    _one_of("optimizer.name", recipe.optimizer.name, ("adamw", "sgd"))
    _one_of("optimizer.schedule", recipe.optimizer.schedule, ("cosine", "polynomial"))


def _check_model(recipe: Recipe) -> None:
    cipher_of_input(recipe.model.input, recipe.model.block, recipe.model.sub_block)


def _check_method(recipe: Recipe) -> None:
    method = recipe.method
    cipher = cipher_of_input(recipe.model.input, recipe.model.block, recipe.model.sub_block)
    reduces = cipher is not None and cipher.reduces
    _one_of("method.keys", method.keys, ("redrawn", "fixed"))
    optional = cipher is not None and cipher.key_use == "optional"
    if method.keys == "fixed" and not optional:
        raise UsageError("method.keys is for model.input: shuffled")
    if method.closed_form and (method.start is None or not reduces):
        raise UsageError(
            "method.closed_form fits the embedding of a plain model to another input",
            "set method.start to a plain model, and model.input to one with a canonical or reduced form",
        )
    if cipher is not None and cipher.key_use == "required":
        if method.key is None:
            raise UsageError(
                f"a network for {recipe.model.input} images is trained for one key",
                "make one with `veilseg keygen -o my.key`, and set method.key=my.key",
            )
    elif method.key is not None and (method.start is None or recipe.model.input != "plain"):
        raise UsageError("method.key adapts a plain model to one key", "set method.start, and model.input to plain")
    if method.teacher is None and method.tokens:
        raise UsageError("method.tokens needs method.teacher")


def _one_of(place: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise UsageError(f"{place} cannot be {value!r}", f"one of {', '.join(known)}")
