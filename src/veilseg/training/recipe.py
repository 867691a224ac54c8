"""A recipe: everything that decides a training run, as one YAML file whose mistakes are found before any work."""

from __future__ import annotations

import dataclasses
import os
import types
import typing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import yaml

from veilseg.errors import UsageError

T = TypeVar("T")


@dataclass(frozen=True)
class ModelPart:
    """The network and what it reads. `input` is "plain", "canonical" (key-invariant, methods of [P1]) or "mosaic"."""

    architecture: str = "convseg"
    input: str = "canonical"
    block: int = 16
    sub_block: int = 8
    arguments: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class DataPart:
    """Where samples come from, as KIND:DIR (environment variables are expanded), and the share of scenes."""

    train: str = "camvid:$VEILSEG_CAMVID"
    train_split: str | None = "train"  # null: the dataset has no splits
    val: str = "camvid:$VEILSEG_CAMVID"
    val_split: str | None = "val"
    scenes: int = 0  # generated scenes mixed in
    scenes_share: float = 0.0  # of all training samples


@dataclass(frozen=True)
class AugmentPart:
    """Changes to a plain training sample, all before encryption. Ranges are [low, high]."""

    crop: tuple[int, int] = (256, 256)  # height, width in pixels
    scale: tuple[float, float] = (0.6, 1.8)
    flip: bool = True
    photometric: float = 1.0  # strength; 0 is off


@dataclass(frozen=True)
class TrainPart:
    """The optimization: AdamW, linear warm-up, cosine decay; what ships is an exponential average of the weights."""

    steps: int = 4000
    batch: int = 8
    learning_rate: float = 2e-3
    weight_decay: float = 0.02
    warmup: float = 0.05  # share of the steps
    jaccard: float = 0.5  # weight of the soft Jaccard loss beside cross-entropy
    average: float = 0.998  # decay of the weight average per step
    validate_every: int = 500  # steps; a checkpoint is written as often
    seed: int = 0
    threads: int = 0  # 0: torch's choice


@dataclass(frozen=True)
class Recipe:
    """A whole training run."""

    model: ModelPart = field(default_factory=ModelPart)
    data: DataPart = field(default_factory=DataPart)
    augment: AugmentPart = field(default_factory=AugmentPart)
    train: TrainPart = field(default_factory=TrainPart)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON or YAML; from_dict reads them back."""
        return dataclasses.asdict(self)


def load_recipe(path: str | Path, overrides: list[str] | None = None) -> Recipe:
    """Read a recipe and apply overrides such as "train.steps=10".

    Raises UsageError with a hint for an unreadable file, an unknown or mistyped name, a value of the wrong type.
    """
    try:
        values = yaml.safe_load(Path(path).read_text(encoding="utf-8")) or {}
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read the recipe {path}", "recipes are YAML files; see the folder recipes/") from error
    except yaml.YAMLError as error:
        raise UsageError(f"{path} is not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(values, dict):
        raise UsageError(f"{path} is not a recipe: it must be a mapping of {_names(Recipe)}")
    for override in overrides or []:
        name, separator, text = override.partition("=")
        keys = name.split(".")
        if not separator or len(keys) < 2:
            raise UsageError(
                f"cannot read the override {override!r}", "write SECTION.NAME=VALUE, as in train.steps=100"
            )
        target = values
        for key in keys[:-1]:
            target = target.setdefault(key, {})
            if not isinstance(target, dict):
                raise UsageError(f"{key!r} in the override {override!r} is not a section")
        target[keys[-1]] = yaml.safe_load(text)
    return from_dict(values)


def from_dict(values: dict[str, Any]) -> Recipe:
    """A recipe from plain values; raises UsageError where names, types or combinations are wrong."""
    recipe = _build(Recipe, values, "")
    _check(recipe)
    return recipe


def expand(source: str) -> str:
    """KIND:DIR with its environment variables filled in; raises UsageError when one is not set."""
    expanded = os.path.expandvars(source)
    if "$" in expanded:
        name = expanded.partition("$")[2].strip("{}").split("/")[0]
        raise UsageError(f"the recipe's data is {source!r}, and {name} is not set", f"export {name}=DIR")
    return expanded


def _check(recipe: Recipe) -> None:
    model, augment, train = recipe.model, recipe.augment, recipe.train
    if model.input not in ("plain", "canonical", "mosaic"):
        raise UsageError(f"model.input cannot be {model.input!r}", "plain, canonical or mosaic")
    if model.block < 1 or model.sub_block < 1 or model.block % model.sub_block:
        raise UsageError(f"sub-blocks of {model.sub_block} pixels do not fill a block of {model.block}")
    for side in augment.crop:
        if side < model.block or side % model.block:
            raise UsageError(f"augment.crop {list(augment.crop)} must be positive multiples of the block {model.block}")
    if not 0 < augment.scale[0] <= augment.scale[1]:
        raise UsageError(f"augment.scale {list(augment.scale)} must be [low, high] with 0 < low <= high")
    for name in ("steps", "batch", "validate_every"):
        if getattr(train, name) < 1:
            raise UsageError(f"train.{name} must be at least 1")
    if not 0 <= recipe.data.scenes_share <= 1 or (recipe.data.scenes_share > 0) != (recipe.data.scenes > 0):
        raise UsageError("data.scenes and data.scenes_share go together", "for instance scenes: 400, scenes_share: 0.2")


def _names(kind: type) -> str:
    return ", ".join(item.name for item in dataclasses.fields(kind))


def _build(kind: type[T], values: Any, where: str) -> T:
    if not isinstance(values, dict):
        raise UsageError(f"{where or 'the recipe'} must be a mapping of {_names(kind)}")
    hints = typing.get_type_hints(kind)
    built = {}
    for name, value in values.items():
        place = f"{where}.{name}" if where else str(name)
        if name not in hints:
            raise UsageError(f"the recipe has an unknown entry {place!r}", f"known here: {_names(kind)}")
        built[name] = _value(hints[name], value, place)
    return kind(**built)


def _value(kind: Any, value: Any, place: str) -> Any:
    if dataclasses.is_dataclass(kind):
        return _build(typing.cast(type, kind), value, place)
    origin = typing.get_origin(kind)
    if origin is tuple:
        parts = typing.get_args(kind)
        if isinstance(value, list | tuple) and len(value) == len(parts):
            return tuple(_value(part, item, place) for part, item in zip(parts, value, strict=True))
    elif origin is dict:
        if isinstance(value, dict):
            return value
    elif kind is float and isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    elif isinstance(value, kind) and (kind is bool or not isinstance(value, bool)):
        return value
    wanted = kind.__name__ if isinstance(kind, type) and not isinstance(kind, types.GenericAlias) else str(kind)
    raise UsageError(f"{place} is {value!r}, and must be {wanted}")
