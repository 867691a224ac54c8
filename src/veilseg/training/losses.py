"""The training losses: cross-entropy for every pixel, a soft Jaccard index for every class, and a teacher's answer."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from veilseg.data.base import IGNORED
from veilseg.training.distributed import all_sum


def segmentation_loss(logits: Tensor, labels: Tensor, class_weights: Tensor, jaccard: float) -> Tensor:
    """Weighted cross-entropy plus `jaccard` times (1 - mean soft IoU over the classes present in the batch).

    logits: float [N, K, H, W]; labels: int64 [N, H, W], 255 = ignored; class_weights: float [K]. Returns a scalar, the
    same on every process of a run. Cross-entropy alone favours large classes; mIoU counts a pole as much as the road.
    A batch without a labelled pixel teaches nothing: its loss is 0.
    """
    valid = labels != IGNORED
    known = labels.where(valid, 0)
    # Sums are divided, not means averaged: a mean over nothing would be NaN, and processes differ in what they hold.
    total = F.cross_entropy(logits, labels, weight=class_weights, ignore_index=IGNORED, reduction="sum")
    weight = (class_weights[known] * valid).sum()
    loss = all_sum(total) / all_sum(weight).clamp(min=1e-6)
    if not jaccard:
        return loss
    target = F.one_hot(known, logits.shape[1]).permute(0, 3, 1, 2) * valid[:, None]
    probabilities = logits.softmax(1) * valid[:, None]
    sums = (0, 2, 3)
    intersection = all_sum((probabilities * target).sum(sums))
    size = all_sum(target.sum(sums).to(logits.dtype))
    union = all_sum(probabilities.sum(sums)) + size - intersection
    present = (size > 0).to(logits.dtype)
    missing = (1 - intersection / union.clamp(min=1e-6)) * present
    return loss + jaccard * missing.sum() / present.sum().clamp(min=1)


def class_weights(counts: Tensor, balance: float) -> Tensor:
    """Weights frequency ** -balance, scaled to a mean of 1 over all pixels. counts: [K] pixels; 0 treats all alike."""
    frequency = counts.double().clamp(min=1) / counts.sum().clamp(min=1)
    weights = frequency**-balance
    return (weights / (weights * frequency).sum()).float()


def answer_loss(logits: Tensor, teacher: Tensor) -> Tensor:
    """Kullback-Leibler divergence of the class probabilities from the teacher's, mean over pixels: a scalar.

    Both float [N, K, h, w]; the teacher's are brought to the student's size.
    """
    if teacher.shape[-2:] != logits.shape[-2:]:
        teacher = F.interpolate(teacher, size=logits.shape[-2:], mode="bilinear", align_corners=False)
    wanted = teacher.log_softmax(1)
    divergence = (wanted.exp() * (wanted - logits.log_softmax(1))).sum(1)
    return divergence.mean()


def token_loss(tokens: Tensor, teacher: Tensor) -> Tensor:
    """Mean squared difference of two feature maps of one shape, every position normalized over its channels.

    Float [N, C, h, w], or [N, T, C] as transformers have them; what counts is direction, not scale.
    """
    axis = 1 if tokens.dim() == 4 else -1

    def normal(x: Tensor) -> Tensor:
        x = x - x.mean(axis, keepdim=True)
        return x / x.square().mean(axis, keepdim=True).add(1e-6).sqrt()

    return torch.mean((normal(tokens) - normal(teacher)) ** 2)
