"""A bias that a network of another library has no place for: it moves from the stem into the position embeddings."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from veilseg.errors import InvalidModelError
from veilseg.models.encryption.probe import image_size, run
from veilseg.models.encryption.stems import find_stem, grid_of, patch_of
from veilseg.models.encryption.trial import distance, random_photo

_OTHER_TOKENS = 16  # class tokens and registers that have positions too, at most


def of_another_library(model: nn.Module) -> bool:
    """Whether `model` holds a network that a library builds again from a config: no bias where none was."""
    parts = model.modules()
    return any(hasattr(part, "save_pretrained") or hasattr(part, "pretrained_cfg") for part in parts)


@torch.no_grad()
def move_bias(model: nn.Module, path: str | None) -> None:
    """Take the bias out of the stem of `model`, in place, and add it to the position embeddings of the patches.

    The same for every patch, it stays the same when positions are interpolated. Which table it is, is tried: the
    network must answer as before. Raises InvalidModelError where no table does.
    """
    stem = find_stem(model, path)
    if stem.bias is None:
        return
    height, width = image_size(model, grid_of(stem), random_photo)
    photo = random_photo(height, width)
    wanted = run(model, photo, stem).answers
    bias, stem.bias = stem.bias.detach(), None
    for table, first in _tables(model, len(bias), height * width // math.prod(patch_of(stem))):
        before = table.clone()
        table.view(-1, len(bias))[first:] += bias.to(table)
        if distance(run(model, photo, stem).answers, wanted) <= 1e-3:
            return
        table.copy_(before)
    raise InvalidModelError(
        "the patch embedding of this network has no bias, one is needed for encrypted images, and no table of "
        "position embeddings takes it up",
        "give the patch embedding a bias before encrypting, where its library allows for one",
    )


def _tables(model: nn.Module, width: int, patches: int) -> Iterator[tuple[Tensor, int]]:
    """Position embeddings of `patches` patches [..., width], and which of their rows is the first patch's."""
    for name, table in model.named_parameters():
        if "pos" not in name or table.shape[-1] != width or not table.is_contiguous():
            continue
        others = table.numel() // width - patches
        if 0 <= others <= _OTHER_TOKENS:
            yield table, others
