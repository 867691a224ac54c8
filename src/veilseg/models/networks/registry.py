"""Networks by name: a new one is one file and one line here."""

from __future__ import annotations

import inspect
from importlib import import_module
from typing import Any

from torch import nn

from veilseg.catalog import LARGEST_BLOCK
from veilseg.errors import InvalidModelError, UsageError
from veilseg.models.networks.protocol import Described

# name: (module, class, arguments that the name fixes)
NETWORKS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "setr-naive": ("veilseg.models.networks.setr", "SETR", {"decoder": "naive"}),
    "setr-pup": ("veilseg.models.networks.setr", "SETR", {"decoder": "pup"}),
    "setr-mla": ("veilseg.models.networks.setr", "SETR", {"decoder": "mla"}),
    "fcn": ("veilseg.models.networks.fcn", "FCN", {}),
    "convseg": ("veilseg.models.networks.convseg", "ConvSeg", {}),
}


def register(name: str, implementation: str, **fixed: Any) -> None:
    """Add a network: "module:class", and arguments that the name fixes. Raises UsageError when the name is taken."""
    if name in NETWORKS:
        raise UsageError(f"there is a network {name!r} already")
    module, _, attribute = implementation.partition(":")
    NETWORKS[name] = (module, attribute, fixed)


# What a config may ask for: more than any network here needs, and little enough to build in seconds.
_MAX_DEPTH, _MAX_WIDTH, _MAX_ENTRIES = 64, 65536, 16


def build(name: str, num_classes: int, arguments: dict[str, Any]) -> nn.Module:
    """The network `name`, freshly initialized. Raises UsageError for a name or an argument that does not exist."""
    known = parameters(name)
    module, cls, fixed = NETWORKS[name]
    open_ended = any(p.kind is inspect.Parameter.VAR_KEYWORD for p in known.values())
    unknown = sorted(set(arguments) - set(known)) if not open_ended else []
    unknown += sorted(set(arguments) & {*fixed, "num_classes"})
    if unknown:
        listed = ", ".join(key for key in known if key not in {*fixed, "num_classes"})
        raise UsageError(f"{name} has no argument {unknown[0]!r}", f"it has: {listed}")
    made: nn.Module = getattr(import_module(module), cls)(num_classes=num_classes, **arguments, **fixed)
    return made


def parameters(name: str) -> dict[str, inspect.Parameter]:
    """The arguments of the network `name`. Raises UsageError where there is none."""
    if name not in NETWORKS:
        raise UsageError(f"there is no network {name!r}", f"one of {', '.join(NETWORKS)}")
    module, cls, _ = NETWORKS[name]
    return dict(inspect.signature(getattr(import_module(module), cls)).parameters)


def rebuilding_arguments(network: nn.Module, name: str, given: dict[str, Any]) -> dict[str, Any]:
    """What rebuilds this very network, defaults spelled out: defaults may change, saved models must not."""
    if isinstance(network, Described):
        return dict(network.arguments)
    defaults = {key: p.default for key, p in parameters(name).items() if p.default is not inspect.Parameter.empty}
    merged = {key: value for key, value in {**defaults, **given}.items() if key not in ("num_classes", "pretrained")}
    return {key: list(value) if isinstance(value, tuple) else value for key, value in merged.items()}


def check_arguments(arguments: dict[str, Any]) -> None:
    """Refuse (InvalidModelError) what a config cannot mean, before time is spent on it: it may come from anywhere."""
    if "pretrained" in arguments or "weights" in arguments:
        raise InvalidModelError(
            "the model's config asks for pretrained weights", "a saved model has weights of its own"
        )
    for name, value in arguments.items():
        values = value if isinstance(value, list) else [value]
        most = {"depth": _MAX_DEPTH, "depths": _MAX_DEPTH, "stem_block": LARGEST_BLOCK}.get(name, _MAX_WIDTH)
        if len(values) > _MAX_ENTRIES or any(isinstance(v, int | float) and not -most <= v <= most for v in values):
            raise InvalidModelError(
                f"the model's config asks for {name} beyond what is built here",
                f"at most {_MAX_ENTRIES} values of at most {most}",
            )
