"""The training step: loss, optimizer, schedule, and the metrics of the validation split."""

from __future__ import annotations

import math
from typing import Any

import lightning.pytorch as pl
import numpy as np
import torch
import torch.distributed as dist
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from veilseg.errors import UsageError
from veilseg.evaluation.metrics import ConfusionMatrix
from veilseg.models import SegmentationModel
from veilseg.models.networks.protocol import HasTrunk
from veilseg.runtime.windows import slide, snap
from veilseg.training.losses import segmentation_loss
from veilseg.training.recipe import OptimizerSection, Recipe
from veilseg.training.teacher import Teacher


class SegmentationTraining(pl.LightningModule):
    """Trains `model` by a recipe.

    Batches are (uint8 [N, 3, H, W], with a teacher also uint8 [N, 3, H, W] as the teacher reads it, int64 [N, H, W]);
    the images are what the model's input layer would give, so that layer is switched off meanwhile. class_weights:
    float [K], see losses.class_weights.
    """

    class_weights: Tensor

    def __init__(
        self, model: SegmentationModel, recipe: Recipe, class_weights: Tensor, teacher: Teacher | None = None
    ) -> None:
        super().__init__()
        self.model = model
        self.recipe = recipe
        self.teacher = teacher
        self.register_buffer("class_weights", class_weights)
        self.confusion = ConfusionMatrix(len(class_weights))
        self.images: list[tuple[int, float]] = []  # of the last validation: place in the dataset, and mIoU
        self.validated_at: int | None = None  # the step after which it was
        self.went_on = False  # whether this process made steps
        self.start_miou: float | None = None  # percent, before the first step of a run with `method.start`
        self.since = 0  # the step at which the run got its present length

    def training_step(self, batch: tuple[Tensor, ...], index: int) -> Tensor:
        images, labels = batch[0], batch[-1]
        # Every other pixel: neighbours say the same, and a loss at full size is slow on a CPU. The
        # offset alternates, so that the maps are not shifted by half a pixel.
        labels = labels[..., index % 2 :: 2, index % 2 :: 2]
        if self.teacher is None:
            scores, auxiliary = self.model.forward_train(images)
            loss = self._loss(scores, labels)
        else:
            with self.teacher.watch(self.model) as tokens:
                scores, auxiliary = self.model.forward_train(images)
            loss = self._loss(scores, labels) + self.teacher.loss(batch[1], scores, tokens)
        for extra in auxiliary:
            loss = loss + self.recipe.loss.auxiliary * self._loss(extra, labels)
        self.log("loss", loss.detach(), prog_bar=True)
        return loss

    def on_validation_epoch_start(self) -> None:
        self.confusion = ConfusionMatrix(len(self.class_weights))
        self.images = []

    def validation_step(self, batch: tuple[Tensor, Tensor], index: int) -> None:
        images, labels = batch
        one = ConfusionMatrix(len(self.class_weights))
        one.update(self.predict(images), labels[0].cpu().numpy())
        self.confusion.counts += one.counts
        if one.pixels:
            self.images.append((index * self.trainer.world_size + self.global_rank, one.miou))

    def on_validation_epoch_end(self) -> None:
        if dist.is_available() and dist.is_initialized():
            counts = torch.from_numpy(self.confusion.counts).to(self.device)
            dist.all_reduce(counts)
            self.confusion.counts[...] = counts.cpu().numpy()
            parts: list[list[tuple[int, float]]] = [[] for _ in range(dist.get_world_size())]
            dist.all_gather_object(parts, self.images)
            self.images = [image for part in parts for image in part]
        self.validated_at = self.trainer.global_step
        if self.confusion.pixels:
            for name in ("aacc", "miou", "macc"):
                self.log(f"val_{name}", 100 * getattr(self.confusion, name), prog_bar=name == "miou")

    def on_train_start(self) -> None:
        self.went_on = True
        if self.since and self.since == self.trainer.global_step:  # else as the checkpoint left it, at the old length
            schedule: Any = self.lr_schedulers()
            for group, rate in zip(schedule.optimizer.param_groups, schedule.base_lrs, strict=True):
                group["lr"] = rate * self._rate(self.since)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["length"] = {"steps": self.recipe.train.steps, "since": self.since}
        checkpoint["start_miou"] = self.start_miou

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """A checkpoint of fewer steps: the run is lengthened from here."""
        self.start_miou = checkpoint.get("start_miou")
        length = checkpoint.get("length", {"steps": self.recipe.train.steps, "since": 0})
        same = length["steps"] == self.recipe.train.steps
        self.since = length["since"] if same else checkpoint["global_step"]
        if not same:  # Lightning would stop after what was the last batch
            checkpoint["loops"]["fit_loop"]["epoch_loop.batch_progress"]["is_last_batch"] = False

    def predict(self, images: Tensor) -> NDArray[np.int64]:
        """The class of every pixel, [H, W], of one image [1, 3, H, W] as the network reads it."""
        found: NDArray[np.int64] = self._logits(images).argmax(0)
        return found

    def _logits(self, images: Tensor) -> NDArray[np.float32]:
        """Logits [K, H, W] of one image [1, 3, H, W], whole or by windows as the recipe says."""
        window = self.recipe.train.window
        if window is None:
            whole: NDArray[np.float32] = self.model(images)[0].float().cpu().numpy()
            return whole

        def run(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
            image = torch.from_numpy(pixels).to(images.device).permute(2, 0, 1)[None]
            logits: NDArray[np.float32] = self.model(image)[0].float().cpu().numpy()
            return logits

        pixels = images[0].permute(1, 2, 0).cpu().numpy()
        step = self.model.config.size_multiple
        sides = (min(window[0], pixels.shape[0]), min(window[1], pixels.shape[1]))
        return slide(pixels, run, snap(sides, step), step, overlap=1 / 3)

    def configure_optimizers(self) -> Any:
        section = self.recipe.optimizer
        groups = parameter_groups(self.model.network, section)
        optimizer: torch.optim.Optimizer
        if section.name == "sgd":
            optimizer = torch.optim.SGD(groups, momentum=section.momentum)
        else:
            optimizer = torch.optim.AdamW(groups, fused=True)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, self._rate)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def _loss(self, scores: Tensor, labels: Tensor) -> Tensor:
        scores = F.interpolate(scores.float(), size=labels.shape[-2:], mode="bilinear", align_corners=False)
        return segmentation_loss(scores, labels, self.class_weights, self.recipe.loss.jaccard)

    def _rate(self, step: int) -> float:
        """The share of the learning rate at a step: a linear rise, then a cosine or polynomial fall to zero.

        A lengthened run has the rates of its new length, to which it rises again from the step at which it got it.
        """
        section, steps = self.recipe.optimizer, self.recipe.train.steps
        warmup = round(section.warmup * steps)
        again = round(section.warmup * (steps - self.since)) if self.since else 0
        rise = min(1.0, (step - self.since + 1) / again) if again else 1.0
        if step < warmup:
            return rise * (step + 1) / warmup
        done = min(1.0, (step - warmup) / max(1, steps - warmup))
        fall = 0.5 * (1 + math.cos(math.pi * done)) if section.schedule == "cosine" else (1 - done) ** section.power
        return rise * fall


def parameter_groups(network: nn.Module, section: OptimizerSection) -> list[dict[str, Any]]:
    """Groups for torch's optimizers, over all parameters of `network` that are trained.

    With `trunk_rate` the backbone's last layer gets that rate, and every layer towards the pixels `layer_decay` times
    the one above it; everything else gets `learning_rate`. Biases, norms and scales of layers have no weight decay.

    Raises:
        UsageError: The recipe has a rate for a trunk, and the network has none.
    """
    rates: dict[int, float] = {}
    if section.trunk_rate is not None:
        if not isinstance(network, HasTrunk):
            raise UsageError("this network has no trunk with a rate of its own", "leave optimizer.trunk_rate out")
        layers = network.trunk_layers()
        for index, layer in enumerate(layers):
            rate = section.trunk_rate * section.layer_decay ** (len(layers) - 1 - index)
            rates |= {id(parameter): rate for parameter in layer}
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for parameter in network.parameters():
        if parameter.requires_grad:
            decay = section.weight_decay if parameter.ndim > 1 else 0.0
            groups.setdefault((rates.get(id(parameter), section.learning_rate), decay), []).append(parameter)
    return [{"params": found, "lr": rate, "weight_decay": decay} for (rate, decay), found in groups.items()]
