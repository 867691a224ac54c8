"""Copies of the plain patch embedding elsewhere in a model: brought along, or a reason to refuse."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from veilseg.errors import InvalidModelError
from veilseg.models.encryption.resemblance import resembles
from veilseg.models.encryption.stems import Stem


@torch.no_grad()
def replace_copies(model: nn.Module, stem: Stem, before: Tensor) -> None:
    """Let no tensor of `model` keep the weight that `stem` had `before`.

    Exact copies (a buffer beside it, say) stay copies and get the new weight. What resembles it, whole or in parts (a
    moving average, a scaled, rounded or transposed copy, some of its filters in any order, padded or inside a larger
    tensor or an attribute that is no buffer), has a meaning that is not known here: InvalidModelError.
    """
    if before.float().std() == 0:  # not initialized: nothing to hide, and equal to every other constant
        return
    for name, tensor in _tensors(model):
        if tensor is stem.weight or tensor.is_meta:
            continue
        if tensor.shape == before.shape and torch.equal(tensor.to(before), before):
            tensor.copy_(stem.weight)
        elif resembles(tensor.detach().float().to(before.device), before.float()):
            raise InvalidModelError(
                f"{name} holds the plain patch embedding once more, so encrypting the stem alone would not hide it",
                "take it out of the model (an average or a teacher is not needed to run it)",
            )


def _tensors(model: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """Parameters, buffers, and tensors in plain attributes, lists and dicts of any module, with their names."""
    yield from model.named_parameters()
    yield from model.named_buffers()
    for path, part in model.named_modules():
        for name, value in vars(part).items():
            if not name.startswith("_"):
                yield from _inside(f"{path}.{name}".lstrip("."), value)


def _inside(name: str, value: Any) -> Iterator[tuple[str, Tensor]]:
    if isinstance(value, Tensor):
        yield name, value
    elif isinstance(value, np.ndarray) and value.dtype.kind in "fiu":
        yield name, torch.from_numpy(value)
    elif isinstance(value, nn.Module):  # in a list that torch does not look into
        yield from ((f"{name}.{inner}", tensor) for inner, tensor in value.named_parameters())
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _inside(f"{name}[{key!r}]", inner)
    elif isinstance(value, list | tuple):
        for index, inner in enumerate(value):
            yield from _inside(f"{name}[{index}]", inner)
