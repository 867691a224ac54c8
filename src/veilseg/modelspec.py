"""What a model says about itself: its config.json, read by whoever trains, serves or uses it. No torch here."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from veilseg.errors import InvalidImage, InvalidKey, InvalidModel, UsageError, VeilsegError
from veilseg.files import read_limited
from veilseg.parameters import CHANNELS, MAX_BLOCK, SHUFFLES

if TYPE_CHECKING:
    from veilseg.container import Header

CONFIG_NAME = "config.json"
WEIGHTS_NAME = "model.safetensors"
ONNX_NAME = "model.onnx"
STEM_NAME = "stem.bin"
FORMAT = 1
HUB_ID = re.compile(r"[\w.-]+/[\w.-]+", re.ASCII)
_MAX_CONFIG = 1 << 20  # bytes; a label map has at most 255 classes
SUB_BLOCK_CIPHERS = ("subblock-sort", "subblock-shuffle")
REDUCING_CIPHERS = ("subblock-quartiles", "mosaic")  # sub-blocks as well, but no options
SPEC_KEY = "veilseg"  # in the config.json of other libraries' models
KEYED_CIPHERS = ("patch-permutation", "patch-rotation")
TRAINED_CIPHERS = ("shf", "np", "ffx")  # with a key that a network is trained for, and cannot change
_TYPES: dict[str, type] = {
    "architecture": str,
    "arguments": dict,
    "classes": list,
    "palette": list,
    "input": dict,
    "size_multiple": int,
    "training": dict,
}
INPUT_CIPHERS = ("plain", *SUB_BLOCK_CIPHERS, *REDUCING_CIPHERS, *KEYED_CIPHERS, *TRAINED_CIPHERS)


@dataclass(frozen=True)
class InputSpec:
    """The kind of image that a model understands.

    `cipher`: "plain"; "subblock-sort" for a key-invariant model (section 1.1: it reads the canonical form, so it takes
    "subblock-shuffle" just as well); "subblock-shuffle" for a model trained on shuffled images as they are ([P1]);
    "subblock-quartiles" or "mosaic"; or a keyed cipher that a model was encrypted with or trained for, then with the
    key's public fingerprint. `block` and `sub_block` are sides in pixels.
    """

    cipher: str = "plain"
    block: int = 16
    sub_block: int | None = None
    channels: str | None = None
    shuffle: str | None = None
    key_fingerprint: str | None = None

    def __post_init__(self) -> None:
        if self.cipher not in INPUT_CIPHERS:
            raise UsageError(f"a model's input cannot be {self.cipher!r}", f"one of {', '.join(INPUT_CIPHERS)}")
        _check_side("block", self.block, MAX_BLOCK)
        if self.cipher in (*SUB_BLOCK_CIPHERS, *REDUCING_CIPHERS):
            _check_side("sub-block", self.sub_block, MAX_BLOCK)
            assert self.sub_block is not None
            if self.block % self.sub_block:
                raise UsageError(f"sub-blocks of {self.sub_block} pixels do not fill a block of {self.block}")
        if self.cipher in SUB_BLOCK_CIPHERS:
            # The defaults are spelled out, so that two specs that mean the same are equal.
            object.__setattr__(self, "channels", self.channels or CHANNELS[0])
            object.__setattr__(self, "shuffle", self.shuffle or SHUFFLES[0])
            if self.channels not in CHANNELS or self.shuffle not in SHUFFLES:
                raise UsageError(
                    f"unknown options channels={self.channels!r}, shuffle={self.shuffle!r}",
                    f"channels: {', '.join(CHANNELS)}; shuffle: {', '.join(SHUFFLES)}",
                )
        if self.keyed != (self.key_fingerprint is not None):
            raise UsageError(
                f"input {self.cipher!r} " + ("has no key" if self.key_fingerprint else "needs a fingerprint")
            )

    def check_encryptable(self) -> None:
        """Return for a model of plain images, which a key can be built into; else InvalidModel says what it is."""
        if self.cipher in KEYED_CIPHERS:
            raise InvalidModel(
                f"this model is encrypted already, with key {self.key_fingerprint}",
                "encrypt the plain model, or change the key with rekey_model (`veilseg rekey-model`)",
            )
        if self.cipher != "plain":
            raise InvalidModel(
                f"this model takes {self.cipher} images, and needs no key built in",
                "encrypt a model for plain images",
            )

    def check_old_key(self, fingerprint: str) -> None:
        """Return when the key of this fingerprint is the model's and can be changed: else InvalidModel, InvalidKey."""
        if not self.keyed:
            raise InvalidModel("this model is not encrypted, so it has no key to change", "use encrypt_model")
        if self.cipher in TRAINED_CIPHERS:
            raise InvalidModel(f"this model was trained for its key ({self.cipher})", "train one for the new key")
        if fingerprint != self.key_fingerprint:
            raise InvalidKey(
                f"the model belongs to key {self.key_fingerprint}, not to {fingerprint}", "find the old key"
            )

    def to_config(self) -> dict[str, Any]:
        """The entry SPEC_KEY of another library's config.json for a model encrypted with a key: nothing secret."""
        return {"cipher": self.cipher, "block": self.block, "key_fingerprint": self.key_fingerprint}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> InputSpec:
        """What another library's config.json says by `to_config`; plain where it says nothing. Raises InvalidModel."""
        if SPEC_KEY not in config:
            return cls()
        try:
            spec = cls(**config[SPEC_KEY])
        except (TypeError, UsageError) as error:
            raise InvalidModel(f"{CONFIG_NAME}: {SPEC_KEY!r} does not describe how this model is encrypted") from error
        return spec

    @property
    def canonical(self) -> bool:
        """Whether the canonical form (section 1.1) is to be applied to what comes in; it is idempotent."""
        return self.cipher == "subblock-sort"

    @property
    def keyed(self) -> bool:
        """Whether the model belongs to one key (section 2): encrypted with it, or trained for it."""
        return self.cipher in (*KEYED_CIPHERS, *TRAINED_CIPHERS)

    def accepts(self, header: Header | None) -> None:
        """Return when an image with this public header (None: a plain image) is one for this model.

        Raises InvalidImage with the way out otherwise: another cipher, block, sub-block, option or key.
        """
        if header is None:
            if self.cipher != "plain":
                raise InvalidImage(f"this model takes encrypted images ({self.cipher}), not plain ones", self._hint())
            return
        if self.cipher == "plain":
            raise InvalidImage(
                f"this model takes plain images, and this one is encrypted with {header.cipher}",
                "use a model for this cipher (the default model takes subblock-sort and subblock-shuffle)",
            )
        if header.cipher not in (SUB_BLOCK_CIPHERS if self.canonical else (self.cipher,)):
            raise InvalidImage(f"this model does not take images encrypted with {header.cipher}", self._hint())
        for name in ("block", "sub_block", "channels", "shuffle"):
            wanted, got = getattr(self, name), getattr(header, name)
            if wanted is not None and got != wanted:
                label = name.replace("_", "-")
                raise InvalidImage(f"this image has {label} {got}, and the model wants {label} {wanted}", self._hint())
        if self.keyed and header.key_fingerprint != self.key_fingerprint:
            raise InvalidImage(
                f"this image belongs to key {header.key_fingerprint}, the model to key {self.key_fingerprint}",
                "encrypt the image with the model's key"
                + (", or change the model's key with `veilseg rekey-model`" if self.cipher in KEYED_CIPHERS else ""),
            )

    def _hint(self) -> str:
        options = [f"--block {self.block}"]
        if self.sub_block is not None:
            options.append(f"--sub-block {self.sub_block}")
        if self.channels not in (None, CHANNELS[0]):
            options.append(f"--channels {self.channels}")
        if self.shuffle not in (None, SHUFFLES[0]):
            options.append(f"--shuffle {self.shuffle}")
        return f"encrypt the plain image with `veilseg encrypt --cipher {self.cipher} {' '.join(options)}`"


@dataclass
class ModelConfig:
    """Everything but the weights: what rebuilds the network, what its classes are, what it takes.

    `architecture` and `arguments` are what `create_model` needs; `classes` and `palette` (RGB, 0..255) have one entry
    per class; images must have sides that are multiples of `size_multiple` pixels; `training` holds facts for the
    model card.
    """

    architecture: str
    arguments: dict[str, Any]
    classes: tuple[str, ...]
    palette: tuple[tuple[int, int, int], ...] = ()
    input: InputSpec = field(default_factory=InputSpec)
    size_multiple: int = 16
    training: dict[str, Any] = field(default_factory=dict)
    format: int = FORMAT

    def __post_init__(self) -> None:
        self.classes = tuple(str(name) for name in self.classes)
        if not 1 <= len(self.classes) <= 255:
            raise UsageError(f"a model has 1 to 255 classes, not {len(self.classes)}")
        rows = tuple(tuple(int(value) for value in row) for row in self.palette) or default_palette(len(self.classes))
        if len(rows) != len(self.classes) or any(len(row) != 3 or not all(0 <= v <= 255 for v in row) for row in rows):
            raise UsageError(f"a palette needs one RGB colour (0..255) for each of the {len(self.classes)} classes")
        self.palette = rows  # type: ignore[assignment]
        _check_side("size multiple", self.size_multiple)

    @property
    def num_classes(self) -> int:
        return len(self.classes)

    def to_json(self) -> str:
        """The text of config.json; `id2label` is there for readers who expect the Hub's convention."""
        data = dataclasses.asdict(self)
        data["id2label"] = {str(index): name for index, name in enumerate(self.classes)}
        return json.dumps(data, indent=2, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> ModelConfig:
        """Read config.json strictly: anything unknown, missing or out of range raises InvalidModel."""
        try:
            data = json.loads(text)
        except ValueError as error:
            raise InvalidModel(f"{CONFIG_NAME} is not JSON") from error
        if not isinstance(data, dict) or "format" not in data or "architecture" not in data:
            raise InvalidModel(
                f"{CONFIG_NAME} does not describe a veilseg model", "save one with save_model or `veilseg train`"
            )
        if data["format"] != FORMAT:
            raise InvalidModel(f"model format {data['format']!r} is not known to this version", "update veilseg")
        data.pop("id2label", None)
        for name, kind in _TYPES.items():
            if not isinstance(data.get(name), kind):
                raise InvalidModel(f"{CONFIG_NAME}: {name!r} is missing or of the wrong type")
        try:
            return cls(**{**data, "input": InputSpec(**data["input"])})
        except (TypeError, ValueError, UsageError) as error:
            reason = error.message if isinstance(error, UsageError) else str(error).rpartition(") ")[2]
            raise InvalidModel(f"{CONFIG_NAME} is not valid: {reason}") from error

    @classmethod
    def load(cls, folder: str | Path) -> ModelConfig:
        """The config of a model's folder. InvalidModel when there is none or it is wrong."""
        try:
            text = read_limited(Path(folder) / CONFIG_NAME, _MAX_CONFIG).decode()
        except (VeilsegError, UnicodeDecodeError) as error:
            raise InvalidModel(
                f"no readable {CONFIG_NAME} in {folder}", "give the folder that a model was saved to"
            ) from error
        return cls.from_json(text)


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


def _check_side(name: str, value: object, most: int = 4096) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= most:
        raise UsageError(f"the {name} must be a whole number of pixels from 1 to {most}, not {value!r}")
