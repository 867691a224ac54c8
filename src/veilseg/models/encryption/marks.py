"""What an encrypted model says of itself: in its configs, on its stem, and in the last bits of the stem's weights."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from veilseg.inputspec import CONFIG_KEY, InputSpec
from veilseg.models.base import SegmentationModel
from veilseg.models.encryption.stems import patchify_layers
from veilseg.models.encryption.watermark import LENGTH, marked, read_mark

# Where the encrypted layer keeps its InputSpec, for modules that have no config of their own.
SPEC_ATTRIBUTE = "veilseg_input"
# Whole numbers as wide as floating-point ones, by bytes.
_WORDS = {4: torch.int32, 2: torch.int16, 8: torch.int64}


def input_spec(model: nn.Module) -> InputSpec:
    """What kind of image a model takes: by its config, or the mark that encryption leaves on the stem; else plain.

    The mark is on the layer and in its weights, so wrappers have it, parts, and files that no config came with.
    """
    for part in model.modules():
        noted = getattr(getattr(part, "config", None), CONFIG_KEY, None)  # transformers keeps it with the model
        if isinstance(part, SegmentationModel) and part.config.input.encryption is not None:
            return part.config.input
        if isinstance(noted, Mapping):
            return InputSpec.from_config({CONFIG_KEY: noted})
    marks = (getattr(part, SPEC_ATTRIBUTE, None) for part in model.modules())
    found = next((mark for mark in marks if isinstance(mark, InputSpec)), None)
    return found or next(_in_weights(model), InputSpec())


def record(model: nn.Module, conv: nn.Conv2d, spec: InputSpec) -> None:
    """Write `spec` onto the stem, into its weights, and into the config of every model around it."""
    setattr(conv, SPEC_ATTRIBUTE, spec)
    write_mark(conv.weight, spec)
    for part in model.modules():
        if not any(inner is conv for inner in part.modules()):
            continue
        config: Any = getattr(part, "config", None)
        if isinstance(part, SegmentationModel):
            multiple = math.lcm(part.config.size_multiple, spec.block)
            part.config = dataclasses.replace(part.config, input=spec, size_multiple=multiple)
        elif hasattr(config, "save_pretrained"):  # transformers: config.json says it from now on
            setattr(config, CONFIG_KEY, spec.to_dict())


@torch.no_grad()
def write_mark(weight: Tensor, spec: InputSpec) -> None:
    """Spell `spec` in the last bits of `weight`, in place; a tensor too small for it stays as it is."""
    if weight.numel() >= LENGTH:
        flat = weight.flatten()
        words = flat[:LENGTH].view(_WORDS[weight.element_size()])
        flat[:LENGTH] = torch.from_numpy(marked(words.cpu().numpy(), spec)).to(words).view(weight.dtype)
        weight.copy_(flat.reshape(weight.shape))


def _in_weights(model: nn.Module) -> Iterator[InputSpec]:
    for conv in patchify_layers(model):
        weight = conv.weight.detach()
        if weight.numel() >= LENGTH and weight.is_floating_point() and not weight.is_meta:
            words = weight.flatten()[:LENGTH].view(_WORDS[weight.element_size()])
            if (spec := read_mark(words.cpu().numpy(), conv.kernel_size[0])) is not None:
                yield spec
