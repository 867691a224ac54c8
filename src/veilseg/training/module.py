"""The training step: loss, optimizer, schedule, and the metrics of the validation split."""

from __future__ import annotations

import math
from typing import Any

import lightning.pytorch as pl
import torch
import torch.nn.functional as F
from torch import Tensor

from veilseg.evaluation.metrics import ConfusionMatrix
from veilseg.models.convseg import ConvSeg
from veilseg.training.losses import segmentation_loss
from veilseg.training.recipe import TrainPart


class SegmentationTraining(pl.LightningModule):
    """Trains `network` (raw pixels in, logits out) by the numbers of a recipe's train section.

    class_weights: float [K], see losses.class_weights.
    """

    class_weights: Tensor

    def __init__(self, network: ConvSeg, part: TrainPart, class_weights: Tensor) -> None:
        super().__init__()
        self.network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.part = part
        self.register_buffer("class_weights", class_weights)
        self.confusion = ConfusionMatrix(len(class_weights))

    def forward(self, images: Tensor) -> Tensor:
        """uint8 or float [N, 3, H, W] as the model reads them -> float logits [N, K, H, W]."""
        logits: Tensor = self.network(_network_input(images))
        return logits

    def training_step(self, batch: tuple[Tensor, Tensor], index: int) -> Tensor:
        images, labels = batch
        # Every other pixel: neighbours say the same, and a loss at full size costs a CPU a quarter of the step. The
        # offset alternates, so that the maps are not shifted by half a pixel.
        labels = labels[..., index % 2 :: 2, index % 2 :: 2]
        logits = self.network.grid_logits(_network_input(images))
        logits = F.interpolate(logits, size=labels.shape[-2:], mode="bilinear", align_corners=False)
        loss = segmentation_loss(logits, labels, self.class_weights, self.part.jaccard)
        self.log("loss", loss, prog_bar=True)
        return loss

    def on_validation_epoch_start(self) -> None:
        self.confusion = ConfusionMatrix(len(self.class_weights))

    def validation_step(self, batch: tuple[Tensor, Tensor], index: int) -> None:
        images, labels = batch
        predictions = self(images).argmax(1)
        self.confusion.update(predictions.cpu().numpy(), labels.cpu().numpy())

    def on_validation_epoch_end(self) -> None:
        if self.confusion.pixels:
            for name in ("aacc", "miou", "macc"):
                self.log(f"val_{name}", 100 * getattr(self.confusion, name), prog_bar=name == "miou")

    def configure_optimizers(self) -> Any:
        decayed = [p for p in self.network.parameters() if p.requires_grad and p.ndim > 1]
        plain = [p for p in self.network.parameters() if p.requires_grad and p.ndim <= 1]
        groups = [{"params": decayed}, {"params": plain, "weight_decay": 0.0}]
        optimizer = torch.optim.AdamW(groups, lr=self.part.learning_rate, weight_decay=self.part.weight_decay, fused=True)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, self._rate)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def _rate(self, step: int) -> float:
        """The share of the learning rate at a step: a linear rise, then half a cosine down to zero."""
        warmup = max(1, round(self.part.warmup * self.part.steps))
        if step < warmup:
            return (step + 1) / warmup
        return 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, self.part.steps - warmup)))


def _network_input(images: Tensor) -> Tensor:
    return images.float().contiguous(memory_format=torch.channels_last)
