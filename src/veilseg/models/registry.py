"""Networks by name: a new one is one file and one line here."""

from __future__ import annotations

import inspect
import math
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from torch import nn

from veilseg.catalog import DEFAULT_BLOCK, LARGEST_BLOCK
from veilseg.ciphers import cipher_of_input
from veilseg.errors import InvalidModelError, UsageError
from veilseg.inputspec import InputSpec
from veilseg.keys import Key
from veilseg.modelconfig import ModelConfig, generic_classes
from veilseg.models.base import SegmentationModel

# name: (module, class, arguments that the name fixes)
NETWORKS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "setr-naive": ("veilseg.models.networks.setr", "SETR", {"decoder": "naive"}),
    "setr-pup": ("veilseg.models.networks.setr", "SETR", {"decoder": "pup"}),
    "setr-mla": ("veilseg.models.networks.setr", "SETR", {"decoder": "mla"}),
    "fcn": ("veilseg.models.networks.fcn", "FCN", {}),
    "convseg": ("veilseg.models.networks.convseg", "ConvSeg", {}),
}
_WIDENED = "widened_block"
# What a config may ask for: more than any network here needs, and little enough to build in seconds.
_MAX_DEPTH, _MAX_WIDTH, _MAX_ENTRIES = 64, 65536, 16


def create_model(
    name: str,
    *,
    num_classes: int | None = None,
    classes: Sequence[str] | None = None,
    palette: Sequence[Sequence[int]] | None = None,
    input: str = "plain",
    block: int = DEFAULT_BLOCK,
    sub_block: int | None = None,
    key: Key | None = None,
    pretrained: bool = False,
    image_size: tuple[int, int] | int | None = None,
    **arguments: Any,
) -> SegmentationModel:
    """A new model that takes raw pixels [N, 3, H, W] and gives logits [N, K, H, W].

    `name`: "setr-naive", "setr-pup", "setr-mla", "fcn" or "convseg". `classes` are K names (or give `num_classes`
    alone), `palette` K RGB colours. `input`: "plain" images; "canonical", the key-invariant model of section 1.1;
    "shuffled", a network that reads shuffled images as they are ([P1]); "mosaic", the yardstick; "quartiles" between it
    and the canonical form; "shf", "np" or "ffx", a network to be trained on images under that cipher with `key` ([P2]
    Table 2; the model keeps its fingerprint, and the greatest value of ffx). `block`, `sub_block` (pixels), `channels`
    and `shuffle` are the cipher's. `image_size` (H, W) and `pretrained` are for networks with position embeddings and
    timm backbones; other arguments are the network's own (`backbone`, `decoder_channels`, `embed_dim`, ... for SETR;
    `patch`, `widths`, ... for ConvSeg). Raises UsageError for what does not exist or fit.
    """
    cipher = cipher_of_input(input, block, sub_block)
    needs_key = cipher is not None and cipher.key_use == "required"
    if needs_key and key is None:
        raise UsageError(f"a network for {input} images is trained for one key", "pass key=...")
    spec = InputSpec(
        None if cipher is None else cipher.spec, key.fingerprint if key is not None and needs_key else None
    )
    if classes is None:
        if num_classes is None:
            raise UsageError("a model needs classes", "pass num_classes=19 or classes=('road', ...)")
        classes = generic_classes(num_classes)
    if num_classes not in (None, len(classes)):
        raise UsageError(f"{len(classes)} classes are named, but num_classes is {num_classes}")
    given = dict(arguments)
    if image_size is not None:
        given["image_size"] = image_size
    if pretrained:
        given["pretrained"] = True
    parameters = _parameters(name)
    if cipher is not None and cipher.reduces and "patch" in parameters and "patch" not in given:
        given["patch"] = max(4, cipher.spec.cell)  # such a stem reads whole sub-blocks
    most = None if cipher is None or key is None else cipher.stored_maximum(key)
    if most is not None and "std" in parameters:  # to 0..1
        given = {"mean": (0.0,) * 3, "std": (most,) * 3, **given}
    network = _build(name, len(classes), given)
    config = ModelConfig(
        architecture=name,
        arguments=_rebuilding_arguments(network, name, given),
        classes=tuple(classes),
        palette=tuple(tuple(row) for row in palette or ()),  # type: ignore[misc]
        input=spec,
        size_multiple=size_multiple(network, spec),
    )
    return SegmentationModel(network, config)


def model_from_config(config: ModelConfig) -> SegmentationModel:
    """The model that a config describes, freshly initialized. InvalidModelError when it asks for what does not exist."""
    arguments = dict(config.arguments)
    widened = arguments.pop(_WIDENED, None)
    if "pretrained" in arguments:
        raise InvalidModelError(
            "the model's config asks for pretrained weights", "a saved model has weights of its own"
        )
    _check_arguments(config.arguments)
    try:
        network = _build(config.architecture, config.num_classes, arguments)
        if widened is not None:
            network.widen_patch(widened)
    except UsageError as error:
        raise InvalidModelError(f"the model's config is not valid: {error.message}", error.hint) from error
    except (TypeError, ValueError, AttributeError, AssertionError, RuntimeError, ZeroDivisionError) as error:
        raise InvalidModelError(f"the model's config does not build a {config.architecture}") from error
    return SegmentationModel(network, config)


def widen(model: SegmentationModel, block: int) -> None:
    """Rewrite a network's patchify stem for blocks of `block` pixels, in place; what it computes stays.

    Raises UsageError where the block is no multiple of the patch.
    """
    try:
        model.network.widen_patch(block)
    except ValueError as error:
        raise UsageError(str(error), "use a block that is a multiple of the network's patch") from error
    model.config.arguments = {**model.config.arguments, _WIDENED: block}
    model.config.size_multiple = math.lcm(model.config.size_multiple, block)


def size_multiple(network: nn.Module, spec: InputSpec) -> int:
    """What the sides of images must be multiples of: the network's own grid, and the blocks of an encrypted image."""
    own = int(getattr(network, "size_multiple", None) or getattr(network, "patch", None) or 16)
    return math.lcm(own, spec.block)


def _check_arguments(arguments: dict[str, Any]) -> None:
    """Refuse what a config cannot mean, before time is spent on it: it may come from anywhere."""
    for name, value in arguments.items():
        values = value if isinstance(value, list) else [value]
        most = {"depth": _MAX_DEPTH, "depths": _MAX_DEPTH, _WIDENED: LARGEST_BLOCK}.get(name, _MAX_WIDTH)
        if len(values) > _MAX_ENTRIES or any(isinstance(v, int | float) and not -most <= v <= most for v in values):
            raise InvalidModelError(
                f"the model's config asks for {name} beyond what is built here",
                f"at most {_MAX_ENTRIES} values of at most {most}",
            )


def _parameters(name: str) -> dict[str, inspect.Parameter]:
    if name not in NETWORKS:
        raise UsageError(f"there is no network {name!r}", f"one of {', '.join(NETWORKS)}")
    module, cls, _ = NETWORKS[name]
    return dict(inspect.signature(getattr(import_module(module), cls)).parameters)


def _build(name: str, num_classes: int, arguments: dict[str, Any]) -> Any:
    parameters = _parameters(name)
    module, cls, fixed = NETWORKS[name]
    open_ended = any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters.values())
    unknown = sorted(set(arguments) - set(parameters)) if not open_ended else []
    unknown += sorted(set(arguments) & {*fixed, "num_classes"})
    if unknown:
        known = ", ".join(key for key in parameters if key not in {*fixed, "num_classes"})
        raise UsageError(f"{name} has no argument {unknown[0]!r}", f"it has: {known}")
    return getattr(import_module(module), cls)(num_classes=num_classes, **arguments, **fixed)


def _rebuilding_arguments(network: nn.Module, name: str, given: dict[str, Any]) -> dict[str, Any]:
    """What rebuilds this very network, defaults spelled out: defaults may change, saved models must not."""
    own = getattr(network, "arguments", None)
    if isinstance(own, dict):
        return dict(own)
    skip = {"num_classes", "pretrained"}
    defaults = {key: p.default for key, p in _parameters(name).items() if p.default is not inspect.Parameter.empty}
    merged = {**defaults, **given}
    return {key: list(v) if isinstance(v, tuple) else v for key, v in merged.items() if key not in skip}
