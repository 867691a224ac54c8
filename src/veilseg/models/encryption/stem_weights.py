"""A stem's weights as the paper's embedding: read, written, and with an image's statistics folded in."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from veilseg.errors import InvalidModelError
from veilseg.models.encryption.processor import PixelStatistics
from veilseg.models.networks.normalize import fold, set_bias

Array = NDArray[np.float64]
#: Statistics, as timm states them, of a network that takes pixels 0..255 as they are.
RAW = {"mean": (0.0, 0.0, 0.0), "std": (1 / 255, 1 / 255, 1 / 255)}


def read_embedding(conv: nn.Conv2d) -> tuple[Array, Array]:
    """The embedding E [L, D] (flattened channel, row, column) and the bias [D] in float64."""
    weight = conv.weight.detach().cpu().double().numpy()
    bias = np.zeros(len(weight)) if conv.bias is None else conv.bias.detach().cpu().double().numpy()
    return weight.reshape(len(weight), -1).T, bias


@torch.no_grad()
def write_embedding(conv: nn.Conv2d, embedding: Array, bias: Array) -> None:
    """The way back from `read_embedding`, in place. Raises InvalidModelError for numbers that are not finite."""
    if not (np.isfinite(embedding).all() and np.isfinite(bias).all()):
        raise InvalidModelError(
            "the patch embedding is not finite after encryption", "check the weights of the plain model"
        )
    conv.weight.copy_(torch.from_numpy(np.ascontiguousarray(embedding.T)).reshape(conv.weight.shape))
    set_bias(conv, torch.from_numpy(bias).to(conv.weight.device))


def fold_statistics(model: nn.Module, conv: nn.Conv2d, statistics: PixelStatistics) -> None:
    """Let `conv`, the stem of `model`, take raw pixels, in place; timm's transforms hand them over from then on."""
    fold(conv, torch.tensor(statistics.mean), torch.tensor(statistics.std))
    for part in model.modules():
        if isinstance(stated := getattr(part, "pretrained_cfg", None), dict):
            part.pretrained_cfg = {**stated, **RAW}  # type: ignore[assignment]
