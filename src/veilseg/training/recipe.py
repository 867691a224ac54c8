"""A recipe: everything that decides a training run, as one YAML file whose mistakes are found before any work.

Every section is strict: unknown entries, texts for numbers and values out of range are refused. What concerns several
sections is checked by `Recipe` itself.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, NonNegativeInt, PositiveInt, model_validator

from veilseg.catalog import DEFAULT_BLOCK, DEFAULT_LONGER_SIDE, LARGEST_BLOCK
from veilseg.ciphers import Cipher, cipher_of_input
from veilseg.errors import UsageError

Share = Annotated[float, Field(ge=0, lt=1)]
Positive = Annotated[float, Field(gt=0)]


class Section(BaseModel):
    """A part of a recipe."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class ModelSection(Section):
    """The network and what it reads.

    `input` and `arguments`: as for create_model; the one key of a conventional cipher is `method.key`.
    """

    architecture: str = "convseg"
    input: str = "canonical"
    block: Annotated[int, Field(ge=1, le=LARGEST_BLOCK)] | None = None  # pixels; null: as `veilseg encrypt` takes it
    sub_block: PositiveInt | None = None  # pixels; null: what `veilseg encrypt` takes by default
    arguments: dict[str, Any] = Field(default_factory=dict)

    @property
    def cipher(self) -> Cipher | None:
        """The cipher whose images the network is trained on; None for plain ones."""
        return cipher_of_input(self.input, self.block, self.sub_block)


class Source(Section):
    """One dataset as KIND:DIR (environment variables are expanded); `weight`: its share of the samples, any scale."""

    source: str = "camvid:$VEILSEG_CAMVID"
    split: str | None = None  # null: the dataset's own default, or it has no splits
    weight: Positive = 1.0


class DataSection(Section):
    """Where samples come from, and how large they are. All sources have the same classes.

    `longer_side`: larger photographs are reduced to so many pixels, as clients will do it; "original": never.
    """

    train: Annotated[tuple[Source, ...], Field(min_length=1)] = (Source(split="train"),)
    val: Source = Source(split="val")
    longer_side: PositiveInt | Literal["original"] = DEFAULT_LONGER_SIDE


class AugmentSection(Section):
    """Changes to a plain training sample, all before encryption. Ranges are [low, high]."""

    #: Height, width in pixels: whole blocks of 8, 12, 16, 20, 24; where a recipe leaves it out, cut to those of others.
    crop: tuple[PositiveInt, PositiveInt] = (240, 240)
    scale: tuple[Positive, Positive] = (0.6, 1.8)
    flip: bool = True
    photometric: NonNegativeFloat = 1.0  # strength; 0 is off

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.scale[0] > self.scale[1]:
            raise UsageError(f"augment.scale {list(self.scale)} is no range", "write [low, high]")
        return self


class MethodSection(Section):
    """What a run does beyond fitting labels. Folders hold models; environment variables are not expanded."""

    keys: Literal["redrawn", "fixed"] = "redrawn"  # of "shuffled" images: every time one is seen, or per image
    start: str | None = None  # begin with the weights of this model wherever name and shape agree
    closed_form: bool = False  # and its patch embedding fitted to the model's own input by least squares
    # The file of the one key of a conventional input; with plain input: domain adaptation [Sueyoshi 2025] to that key,
    # which needs `start`, a plain model.
    key: str | None = None
    teacher: str | None = None  # distil from this model, which sees its own kind of image of the same crop
    # What the teacher is shown: every crop as the student sees it, or every image once, whole, before the first step.
    answers: Literal["crop", "image"] = "crop"
    logits: NonNegativeFloat = 1.0  # weight of the teacher's class probabilities
    tokens: NonNegativeFloat = 0.0  # weight of the teacher's last feature map

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.teacher is None and self.tokens:
            raise UsageError("method.tokens needs method.teacher", "name a model's folder there")
        if self.teacher is None and self.answers == "image":
            raise UsageError("method.answers needs method.teacher", "name a model's folder there")
        if self.answers == "image" and self.tokens:
            raise UsageError("method.tokens compares crops", "set method.answers to crop, or method.tokens to 0")
        return self


class OptimizerSection(Section):
    """Linear warm-up, then a decay to zero over the run's steps."""

    name: Literal["adamw", "sgd"] = "adamw"
    learning_rate: Positive = 2e-3
    trunk_rate: Positive | None = None  # of a pretrained backbone's last layer; null: as everything else
    layer_decay: Annotated[float, Field(gt=0, le=1)] = 0.75  # a trunk layer's rate over that of the layer above it
    weight_decay: NonNegativeFloat = 0.05
    momentum: Share = 0.9  # sgd only
    schedule: Literal["cosine", "polynomial"] = "cosine"
    power: Positive = 0.9  # polynomial only
    warmup: Share = 0.05  # of the steps


class LossSection(Section):
    """Cross-entropy with class weights frequency ** -balance, plus `jaccard` times a soft Jaccard loss."""

    balance: NonNegativeFloat = 0.5
    jaccard: NonNegativeFloat = 0.5
    auxiliary: NonNegativeFloat = 0.4  # weight of every auxiliary head's loss, as OpenMMLab trains SETR


class TrainSection(Section):
    """Length and rhythm. What ships is an exponential average of the weights; 0 ships the last weights.

    Where a recipe leaves `average` out, a short run's is shorter: 1 - 5 / steps, so that its first weights leave it.
    """

    steps: PositiveInt = 4500
    batch: PositiveInt = 8  # images per step, over all processes and accumulated parts together
    accumulate: PositiveInt = 1  # parts into which every process cuts its share of a batch
    average: Share = 0.998  # decay per step
    validate_every: PositiveInt = 500  # steps
    window: tuple[PositiveInt, PositiveInt] | None = None  # validate by windows (height, width); null: whole images
    checkpoint_every: PositiveInt = 50  # steps; Ctrl-C and SIGTERM save at once
    patience: NonNegativeInt = 0  # validations without a better mIoU after which the run ends; 0: never early
    seed: NonNegativeInt = 0


class MachineSection(Section):
    """Where it runs. It may change between the parts of an interrupted run; the result is the same up to rounding."""

    accelerator: Literal["auto", "cpu", "gpu", "cuda", "mps"] = "auto"
    devices: PositiveInt = 1  # per node
    nodes: PositiveInt = 1
    #: Lightning's; "auto": bf16-mixed where the device multiplies bfloat16.
    precision: Literal["auto", "32-true", "bf16-mixed", "16-mixed", "bf16-true", "64-true"] = "32-true"
    workers: NonNegativeInt = 1  # processes per device that read photographs too many to be kept in memory; 0: none
    threads: NonNegativeInt = 0  # of torch per process; 0: its own choice


class Recipe(Section):
    """A whole training run."""

    model: ModelSection = ModelSection()
    data: DataSection = DataSection()
    augment: AugmentSection = AugmentSection()
    method: MethodSection = MethodSection()
    optimizer: OptimizerSection = OptimizerSection()
    loss: LossSection = LossSection()
    train: TrainSection = TrainSection()
    machine: MachineSection = MachineSection()

    @model_validator(mode="after")
    def _fit_average(self) -> Self:
        if "average" not in self.train.model_fields_set:
            average = max(0.0, min(self.train.average, 1 - 5 / self.train.steps))
            object.__setattr__(self, "train", self.train.model_copy(update={"average": average}))
        return self

    @model_validator(mode="after")
    def _check_sizes(self) -> Self:
        cipher = self.model.cipher
        block = DEFAULT_BLOCK if cipher is None else cipher.spec.block
        if "crop" not in self.augment.model_fields_set:
            height, width = (side - side % block for side in self.augment.crop)
            object.__setattr__(self, "augment", self.augment.model_copy(update={"crop": (height, width)}))
        crop = list(self.augment.crop)
        if any(side % block for side in crop):
            raise UsageError(
                f"augment.crop {crop} is no multiple of the block of {block} pixels", "crops hold whole blocks"
            )
        parts = self.machine.devices * self.machine.nodes * self.train.accumulate
        if self.train.batch % parts:
            raise UsageError(
                f"train.batch {self.train.batch} cannot be shared by {parts} parts", "devices x nodes x accumulate"
            )
        return self

    @model_validator(mode="after")
    def _check_method(self) -> Self:
        cipher, method, name = self.model.cipher, self.method, self.model.input
        if method.keys == "fixed" and (cipher is None or cipher.key_use != "optional"):
            raise UsageError("method.keys is for images that are shuffled", "set model.input to shuffled")
        if method.closed_form and (method.start is None or cipher is None or not cipher.reduces):
            raise UsageError(
                "method.closed_form fits the embedding of a plain model to another input",
                "set method.start to a plain model, and model.input to one with a canonical or reduced form",
            )
        if cipher is not None and cipher.key_use == "required":
            if method.key is None:
                raise UsageError(
                    f"a network for {name} images is trained for one key",
                    "make one with `veilseg keygen -o my.key`, and set method.key=my.key",
                )
        elif method.key is not None and (cipher is not None or method.start is None):
            raise UsageError("method.key adapts a plain model to one key", "set method.start, and model.input to plain")
        return self
