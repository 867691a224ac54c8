"""What a model says about itself: its config.json, read by whoever trains, serves or uses it. No torch here."""

from __future__ import annotations

import dataclasses
import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from veilseg.catalog import DEFAULT_LONGER_SIDE
from veilseg.errors import InvalidModelError, UsageError, VeilsegError
from veilseg.files import read_limited
from veilseg.inputspec import InputSpec
from veilseg.scale import MAX_LONGER_SIDE, ORIGINAL
from veilseg.spec import is_whole

CONFIG_NAME = "config.json"
WEIGHTS_NAME = "model.safetensors"
ONNX_NAME = "model.onnx"
RECIPE_NAME = "recipe.json"  # of a training: there before the model is
STEM_NAME = "stem.bin"
FORMAT = 2
HUB_ID = re.compile(r"[\w.-]+/[\w.-]+", re.ASCII)
_MAX_CONFIG = 16 << 20  # bytes; transformers names tens of thousands of classes twice
_MAX_MULTIPLE = 4096
_TYPES: dict[str, type] = {
    "architecture": str,
    "arguments": dict,
    "classes": list,
    "palette": list,
    "input": dict,
    "size_multiple": int,
    "longer_side": int,
    "training": dict,
}


@dataclass
class ModelConfig:
    """Everything but the weights: what rebuilds the network, what its classes are, what it takes.

    Attributes:
        architecture, arguments: what `create_model` needs.
        classes: K names.
        palette: K colours, RGB, 0..255.
        input: the images that it reads.
        size_multiple: images must have sides that are multiples of so many pixels.
        longer_side: the working size: clients reduce larger photographs to so many pixels before they encrypt them; 0:
            never.
        training: facts for the model card.
    """

    architecture: str
    arguments: dict[str, Any]
    classes: tuple[str, ...]
    palette: tuple[tuple[int, int, int], ...] = ()
    input: InputSpec = field(default_factory=InputSpec)
    size_multiple: int = 16
    longer_side: int = DEFAULT_LONGER_SIDE
    training: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.classes = tuple(self.classes)
        if not all(isinstance(name, str) and name.isprintable() for name in self.classes):
            raise UsageError("the names of classes are text of one line")
        if not 1 <= len(self.classes) <= 255:
            raise UsageError(f"a model has 1 to 255 classes, not {len(self.classes)}")
        if len(self.palette or self.classes) != len(self.classes) or not all(map(is_colour, self.palette)):
            raise UsageError(f"a palette needs one RGB colour (0..255) for each of the {len(self.classes)} classes")
        rows = tuple((row[0], row[1], row[2]) for row in self.palette)
        self.palette = rows or default_palette(len(self.classes))
        if not is_whole(self.size_multiple, 1, _MAX_MULTIPLE):
            raise UsageError(f"the size multiple must be a whole number of pixels from 1 to {_MAX_MULTIPLE}")
        if not is_whole(self.longer_side, ORIGINAL, MAX_LONGER_SIDE):
            raise UsageError(f"the working size must be a whole number of pixels up to {MAX_LONGER_SIDE}")

    @property
    def num_classes(self) -> int:
        return len(self.classes)

    def to_json(self) -> str:
        """The text of config.json; `id2label` is there for readers who expect the Hub's convention."""
        data = {
            **{item.name: getattr(self, item.name) for item in dataclasses.fields(self)},
            "input": self.input.to_dict(),
            "format": FORMAT,
            "id2label": {str(index): name for index, name in enumerate(self.classes)},
        }
        return json.dumps(data, indent=2, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> ModelConfig:
        """Read config.json strictly: anything unknown, missing or out of range raises InvalidModelError."""
        return cls.from_dict(_parse(text, CONFIG_NAME))

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> ModelConfig:
        """`from_json` of what has been parsed already."""
        if "format" not in data or "architecture" not in data:
            raise InvalidModelError(
                f"{CONFIG_NAME} does not describe a veilseg model", "save one with save_model or `veilseg train`"
            )
        if data["format"] != FORMAT:
            raise InvalidModelError(
                "the model's format is not known to this version", "update veilseg, or export it again"
            )
        data = {name: value for name, value in data.items() if name not in ("format", "id2label")}
        for name, kind in _TYPES.items():
            if not isinstance(data.get(name), kind):
                raise InvalidModelError(f"{CONFIG_NAME}: {name!r} is missing or of the wrong type")
        if unknown := sorted(data.keys() - _TYPES.keys()):
            raise InvalidModelError(f"{CONFIG_NAME} has an unknown entry {unknown[0][:40]!r}")
        try:
            return cls(**{**data, "input": InputSpec.from_dict(data["input"])})
        except UsageError as error:
            raise InvalidModelError(f"{CONFIG_NAME} is not valid: {error.message}") from error

    @classmethod
    def load(cls, folder: str | Path) -> ModelConfig:
        """The config of a model's folder. InvalidModelError when there is none or it is wrong."""
        return cls.from_dict(read_config(folder))


def read_config(folder: str | Path) -> dict[str, Any]:
    """The JSON object in a model folder's config.json, whichever library wrote it. Raises InvalidModelError."""
    path = Path(folder) / CONFIG_NAME
    if path.exists() and not path.is_file():
        raise InvalidModelError(f"{path} is no file", "give the folder that a model was saved to")
    try:
        text = read_limited(path, _MAX_CONFIG).decode()
    except (VeilsegError, UnicodeDecodeError) as error:
        if not path.exists() and (path.parent / RECIPE_NAME).is_file():
            raise InvalidModelError(
                f"the training in {folder} has not ended", "go on with the command that began it: it saves the model"
            ) from error
        raise InvalidModelError(
            f"no readable {CONFIG_NAME} in {folder}", "give the folder that a model was saved to"
        ) from error
    return _parse(text, path)


def _parse(text: str, name: str | Path) -> dict[str, Any]:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidModelError(f"{name} is not JSON") from error
    if not isinstance(data, dict):
        raise InvalidModelError(f"{name} is not a JSON object")
    return data


def is_colour(row: Any) -> bool:
    """Whether `row` is an RGB colour: a list or tuple of three whole numbers 0..255."""
    return isinstance(row, list | tuple) and len(row) == 3 and all(is_whole(value, 0, 255) for value in row)


def shipped_models() -> dict[str, Path]:
    """The models inside the package, by name; "default" is the one that is used when nobody asks for another."""
    root = Path(__file__).parent / "runtime" / "shipped"
    if not root.is_dir():
        return {}
    return {path.name: path for path in sorted(root.iterdir()) if (path / CONFIG_NAME).is_file()}


def generic_classes(count: int) -> tuple[str, ...]:
    """The names of `count` classes where nobody gave any: "class 0", "class 1", ..."""
    return tuple(f"class {index}" for index in range(count))


def default_palette(count: int) -> tuple[tuple[int, int, int], ...]:
    """`count` RGB colours that differ clearly (PASCAL VOC's rule: the bits of the class number, spread over RGB)."""
    colours = []
    for index in range(1, count + 1):
        red = green = blue = 0
        rest = index
        for bit in range(7, -1, -1):
            red |= (rest & 1) << bit
            green |= (rest >> 1 & 1) << bit
            blue |= (rest >> 2 & 1) << bit
            rest >>= 3
        colours.append((red, green, blue))
    return tuple(colours)
