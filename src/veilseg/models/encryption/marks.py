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
from veilseg.models.encryption.stems import Stem, block_of, stem_layers
from veilseg.models.encryption.watermark import LENGTH, MATRIX, Words, marked, read_mark, spell, spelt

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


def record(model: nn.Module, stem: Stem, spec: InputSpec) -> None:
    """Write `spec` onto the stem, into its weights, and into the config of every model around it."""
    setattr(stem, SPEC_ATTRIBUTE, spec)
    write_mark(stem.weight, spec)
    for part in model.modules():
        if hasattr(part, SPEC_ATTRIBUTE):  # of an earlier key
            setattr(part, SPEC_ATTRIBUTE, spec)
        if not any(inner is stem for inner in part.modules()):
            continue
        config: Any = getattr(part, "config", None)
        if isinstance(part, SegmentationModel):
            multiple = math.lcm(part.config.size_multiple, spec.block)
            part.config = dataclasses.replace(part.config, input=spec, size_multiple=multiple)
        elif hasattr(config, "save_pretrained"):  # transformers: config.json says it from now on
            setattr(config, CONFIG_KEY, spec.to_dict())


def write_mark(weight: Tensor, spec: InputSpec) -> None:
    """Spell `spec` in the last bits of `weight`, in place; a tensor too small for it stays as it is."""
    if (words := _words(weight)) is not None:
        _write_words(weight, marked(words, spec))


def write_matrix_mark(weight: Tensor, fingerprint: str) -> None:
    """The same for a matrix that no key and no cipher stand for."""
    if (words := _words(weight)) is not None:
        _write_words(weight, spell(words, MATRIX, fingerprint))


def read_matrix_mark(weight: Tensor) -> str | None:
    """The fingerprint that write_matrix_mark wrote; None where none is."""
    words = _words(weight)
    found = None if words is None else spelt(words)
    return found[1] if found is not None and found[0] == MATRIX else None


def _in_weights(model: nn.Module) -> Iterator[InputSpec]:
    for stem in stem_layers(model):
        words = _words(stem.weight)
        if words is not None and (spec := read_mark(words, block_of(stem))) is not None:
            yield spec


def _words(weight: Tensor) -> Words | None:
    """The first values of a weight as whole numbers; None where it has too few, or none in memory."""
    if weight.numel() < LENGTH or not weight.is_floating_point() or weight.is_meta:
        return None
    words: Words = weight.detach().flatten()[:LENGTH].view(_WORDS[weight.element_size()]).cpu().numpy()
    return words


@torch.no_grad()
def _write_words(weight: Tensor, words: Words) -> None:
    flat = weight.flatten()
    flat[:LENGTH] = torch.from_numpy(words).to(weight.device).view(weight.dtype)
    weight.copy_(flat.reshape(weight.shape))
