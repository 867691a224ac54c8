"""Sums over all processes of a run, so that a batch gives the same step however many of them share it."""

from __future__ import annotations

from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn


def all_sum(x: Tensor) -> Tensor:
    """The sum of every process's `x`, differentiable; `x` itself where there is one process.

    A loss made of such sums is the same number on every process. Each then gives world times its own share of the
    gradient, and DistributedDataParallel's mean over processes is the gradient of the whole batch.
    """
    if not (dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1):
        return x
    result: Tensor = _AllSum.apply(x)
    return result


class _AllSum(torch.autograd.Function):
    """all_reduce and its gradient: what every process's loss asks of the sum, summed.

    torch.distributed.nn's own is deprecated, and what is to follow it is private.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        total = x.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        total = gradients[0].clone()
        dist.all_reduce(total)
        return total


class GlobalBatchNorm2d(nn.BatchNorm2d):
    """Batch normalization whose statistics are those of the whole batch: torch's SyncBatchNorm refuses CPUs."""

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return super().forward(x)
        count = all_sum(torch.tensor([x.numel() / x.shape[1]], dtype=x.dtype, device=x.device))
        mean = all_sum(x.sum((0, 2, 3))) / count
        centred = x - mean[:, None, None]
        variance = all_sum(centred.square().sum((0, 2, 3))) / count
        self._track(mean.detach(), variance.detach() * count / (count - 1).clamp(min=1))
        scale = self.weight * (variance + self.eps).rsqrt()
        return centred * scale[:, None, None] + self.bias[:, None, None]

    @torch.no_grad()
    def _track(self, mean: Tensor, variance: Tensor) -> None:
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.num_batches_tracked is not None
        assert self.momentum is not None
        self.num_batches_tracked += 1
        self.running_mean.lerp_(mean, self.momentum)
        self.running_var.lerp_(variance, self.momentum)


def share_batch_norm(network: nn.Module) -> None:
    """Make every BatchNorm2d of `network` a GlobalBatchNorm2d, in place; parameters and state stay as they are."""
    for module in network.modules():
        if type(module) is nn.BatchNorm2d:
            module.__class__ = GlobalBatchNorm2d
