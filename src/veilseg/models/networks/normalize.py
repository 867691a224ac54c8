"""Pixel statistics as a layer, and how to fold them into the patch embedding and take them out again."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class Normalize(nn.Module):
    """(x - mean) / std per channel for [N, 3, H, W]; mean and std in pixel values (0..255).

    Both are buffers, so a state dict is always true about whether the weights beside it are folded (mean 0, std 1).
    """

    mean: Tensor
    std: Tensor

    def __init__(self, mean: Sequence[float] = (0.0, 0.0, 0.0), std: Sequence[float] = (1.0, 1.0, 1.0)) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(mean, dtype=torch.float32))
        self.register_buffer("std", torch.tensor(std, dtype=torch.float32))

    def forward(self, images: Tensor) -> Tensor:
        return (images - self.mean[:, None, None]) / self.std[:, None, None]

    @property
    def folded(self) -> bool:
        """Whether there is nothing (left) to do. So it is for a model without memory, which awaits saved weights."""
        return self.mean.is_meta or bool((self.mean == 0).all() and (self.std == 1).all())

    def fold_into(self, conv: nn.Conv2d) -> None:
        """Change `conv` so that it takes pixels as they are; in float64, in place. Nothing happens when folded."""
        if not self.folded:
            fold(conv, self.mean, self.std)
            self.mean.zero_()
            self.std.fill_(1.0)

    def take_from(self, conv: nn.Conv2d, mean: Sequence[float], std: Sequence[float]) -> None:
        """The inverse of `fold_into`: normalize by `mean` and `std` here and let `conv` see the result; in place."""
        self.fold_into(conv)
        m, d = (torch.tensor(values, dtype=torch.float64) for values in (mean, std))
        fold(conv, -m / d, 1 / d)
        self.mean.copy_(m)
        self.std.copy_(d)


@torch.no_grad()
def fold(conv: nn.Conv2d, mean: Tensor, std: Tensor) -> None:
    """Change `conv` in place so that conv(x) is what conv((x - mean) / std) was; exact without zero padding.

    Weight and bias become W / std and b - sum(W mean / std), computed in float64; a missing bias is made.
    """
    weight = conv.weight.double()
    mean, std = (values.to(weight)[:, None, None] for values in (mean, std))
    scaled = weight / std
    bias = (torch.zeros(len(weight)) if conv.bias is None else conv.bias).to(weight) - (scaled * mean).sum(
        dim=(1, 2, 3)
    )
    conv.weight.copy_(scaled)
    set_bias(conv, bias)


@torch.no_grad()
def set_bias(layer: nn.Conv2d | nn.Conv3d | nn.Linear, bias: Tensor) -> None:
    """Write the bias, giving `layer` one where it has none and one is needed."""
    if layer.bias is not None:
        layer.bias.copy_(bias)
    elif bool((bias != 0).any()):
        layer.bias = nn.Parameter(bias.to(layer.weight))
