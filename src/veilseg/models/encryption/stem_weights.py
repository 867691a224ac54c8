"""A stem's weights as the paper's embedding: read, written, and with an image's statistics folded in."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from veilseg.errors import InvalidModelError
from veilseg.models.encryption.processor import PixelStatistics
from veilseg.models.encryption.stems import Stem, block_of, patch_of
from veilseg.models.networks.normalize import set_bias

Array = NDArray[np.float64]
#: Statistics, as timm states them, of a network that takes pixels 0..255 as they are.
RAW = {"mean": (0.0, 0.0, 0.0), "std": (1 / 255, 1 / 255, 1 / 255)}


def read_embedding(stem: Stem, *, channels_last: bool = False) -> tuple[Array, Array]:
    """The embedding E [n, L, D] of the n square blocks of a patch, and the bias [D], in float64.

    A block's L values are in the order channel, row, column; blocks in the order frame, row, column. n is 1 for a
    square patch of an image. `channels_last`: a Linear reads a patch as row, column, channel (`channels_come_last`).
    """
    filters = _filters(stem, stem.weight.detach().cpu().double().numpy(), channels_last)
    bias = np.zeros(len(filters)) if stem.bias is None else stem.bias.detach().cpu().double().numpy()
    count, _, frames, rows, columns = filters.shape
    side = block_of(stem)
    parts = filters.reshape(count, 3, frames, rows // side, side, columns // side, side)
    return parts.transpose(2, 3, 5, 1, 4, 6, 0).reshape(-1, 3 * side * side, count), bias


@torch.no_grad()
def write_embedding(stem: Stem, embedding: Array, bias: Array, *, channels_last: bool = False) -> None:
    """The way back from `read_embedding`, in place. Raises InvalidModelError for numbers that are not finite."""
    if not (np.isfinite(embedding).all() and np.isfinite(bias).all()):
        raise InvalidModelError(
            "the patch embedding is not finite after encryption", "check the weights of the plain model"
        )
    (frames, rows, columns), side, count = patch_of(stem), block_of(stem), len(bias)
    parts = embedding.reshape(frames, rows // side, columns // side, 3, side, side, count)
    filters = parts.transpose(6, 3, 0, 1, 4, 2, 5).reshape(count, 3, frames, rows, columns)
    if channels_last:
        filters = filters.transpose(0, 2, 3, 4, 1)
    stem.weight.copy_(torch.from_numpy(np.ascontiguousarray(filters)).reshape(stem.weight.shape))
    set_bias(stem, torch.from_numpy(bias).to(stem.weight.device))


def fold_statistics(model: nn.Module, stem: Stem, statistics: PixelStatistics, *, channels_last: bool = False) -> None:
    """Let `stem`, of `model`, take raw pixels, in place; timm's transforms hand them over from then on."""
    embedding, bias = read_embedding(stem, channels_last=channels_last)
    values = embedding.shape[1] // 3
    mean, std = (np.repeat(given, values)[:, None] for given in (statistics.mean, statistics.std))
    folded = embedding / std
    write_embedding(stem, folded, bias - (folded * mean).sum(axis=(0, 1)), channels_last=channels_last)
    for part in model.modules():
        if isinstance(stated := getattr(part, "pretrained_cfg", None), dict):
            part.pretrained_cfg = {**stated, **RAW}  # type: ignore[assignment]


def _filters(stem: Stem, weight: Array, channels_last: bool) -> Array:
    """The weight as [D, 3, frames, rows, columns]."""
    frames, rows, columns = patch_of(stem)
    if channels_last:
        return weight.reshape(-1, frames, rows, columns, 3).transpose(0, 4, 1, 2, 3)
    return weight.reshape(-1, 3, frames, rows, columns)
