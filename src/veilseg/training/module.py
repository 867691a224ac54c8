"""The training step: loss, optimizer, schedule, and the metrics of the validation split."""

from __future__ import annotations

import math
from typing import Any

import lightning.pytorch as pl
import torch
import torch.nn.functional as F
from torch import Tensor

from veilseg.evaluation.metrics import ConfusionMatrix
from veilseg.models import SegmentationModel
from veilseg.training.losses import segmentation_loss
from veilseg.training.recipe import TrainPart

AUXILIARY_WEIGHT = 0.4  # of every auxiliary head's loss, as OpenMMLab trains SETR


class SegmentationTraining(pl.LightningModule):
    """Trains `model` by the numbers of a recipe's train section.

    Batches are (uint8 [N, 3, H, W], int64 [N, H, W]); the images are what the model's input layer would give, so that
    layer is switched off meanwhile. class_weights: float [K], see losses.class_weights.
    """

    class_weights: Tensor

    def __init__(self, model: SegmentationModel, part: TrainPart, class_weights: Tensor) -> None:
        super().__init__()
        self.model = model
        self.part = part
        self.register_buffer("class_weights", class_weights)
        self.confusion = ConfusionMatrix(len(class_weights))

    def training_step(self, batch: tuple[Tensor, Tensor], index: int) -> Tensor:
        images, labels = batch
        # Every other pixel: neighbours say the same, and a loss at full size is slow on a CPU. The
        # offset alternates, so that the maps are not shifted by half a pixel.
        labels = labels[..., index % 2 :: 2, index % 2 :: 2]
        scores, auxiliary = self.model.forward_train(images)
        loss = self._loss(scores, labels)
        for extra in auxiliary:
            loss = loss + AUXILIARY_WEIGHT * self._loss(extra, labels)
        self.log("loss", loss, prog_bar=True)
        return loss

    def on_validation_epoch_start(self) -> None:
        self.confusion = ConfusionMatrix(len(self.class_weights))

    def validation_step(self, batch: tuple[Tensor, Tensor], index: int) -> None:
        images, labels = batch
        self.confusion.update(self.model(images).argmax(1).cpu().numpy(), labels.cpu().numpy())

    def on_validation_epoch_end(self) -> None:
        if self.confusion.pixels:
            for name in ("aacc", "miou", "macc"):
                self.log(f"val_{name}", 100 * getattr(self.confusion, name), prog_bar=name == "miou")

    def configure_optimizers(self) -> Any:
        parameters = [p for p in self.model.parameters() if p.requires_grad]
        groups: list[dict[str, Any]] = [
            {"params": [p for p in parameters if p.ndim > 1]},
            {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},  # biases and norms
        ]
        rate, decay = self.part.learning_rate, self.part.weight_decay
        optimizer = torch.optim.AdamW(groups, lr=rate, weight_decay=decay, fused=True)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, self._rate)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def _loss(self, scores: Tensor, labels: Tensor) -> Tensor:
        scores = F.interpolate(scores, size=labels.shape[-2:], mode="bilinear", align_corners=False)
        return segmentation_loss(scores, labels, self.class_weights, self.part.jaccard)

    def _rate(self, step: int) -> float:
        """The share of the learning rate at a step: a linear rise, then half a cosine down to zero."""
        warmup = max(1, round(self.part.warmup * self.part.steps))
        if step < warmup:
            return (step + 1) / warmup
        return 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, self.part.steps - warmup)))
