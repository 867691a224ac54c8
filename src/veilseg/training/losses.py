"""The training loss: cross-entropy for every pixel, and a soft Jaccard index for every class."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from veilseg.data.base import IGNORED


def segmentation_loss(logits: Tensor, labels: Tensor, class_weights: Tensor, jaccard: float) -> Tensor:
    """Weighted cross-entropy plus `jaccard` times (1 - mean soft IoU over the classes present in the batch).

    logits: float [N, K, H, W]; labels: int64 [N, H, W], 255 = ignored; class_weights: float [K]. Returns a scalar.
    Cross-entropy alone favours large classes; mIoU counts a pole as much as the road. A batch without a labelled
    pixel teaches nothing: its loss is 0.
    """
    valid = labels != IGNORED
    if not valid.any():
        return logits.sum() * 0  # a mean over nothing would be NaN, and so would all weights be after the step
    loss = F.cross_entropy(logits, labels, weight=class_weights, ignore_index=IGNORED)
    if not jaccard:
        return loss
    target = F.one_hot(labels.where(valid, 0), logits.shape[1]).permute(0, 3, 1, 2) * valid[:, None]
    probabilities = logits.softmax(1) * valid[:, None]
    sums = (0, 2, 3)
    intersection = (probabilities * target).sum(sums)
    size = target.sum(sums)
    union = probabilities.sum(sums) + size - intersection
    present = size > 0
    iou = intersection[present] / union[present]
    return loss + jaccard * (1 - iou.mean())


def class_weights(counts: Tensor) -> Tensor:
    """Weights that even out the classes a little: frequency ** -0.25, mean 1 over all pixels. counts: [K] pixels."""
    frequency = counts.double().clamp(min=1) / counts.sum().clamp(min=1)
    weights = frequency**-0.25
    return (weights / (weights * frequency).sum()).float()
