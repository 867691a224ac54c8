"""Whether a run that begins with the weights of a model ends better than it began: a short one may not."""

from __future__ import annotations

import lightning.pytorch as pl
import torch

from veilseg.training.loading import RunData
from veilseg.training.module import SegmentationTraining
from veilseg.training.progress import logger


def validate_start(trainer: pl.Trainer, module: SegmentationTraining, data: RunData) -> None:
    """Validate the model before its first step. Takes none of the run's random numbers."""
    if trainer.is_global_zero:
        logger.info("validating the model before the first step")
    with torch.random.fork_rng(devices=[]):
        trainer.validate(module, data, verbose=False)
    found = trainer.callback_metrics.get("val_miou")
    if found is not None:
        module.start_miou = float(found)
        if trainer.is_global_zero:
            logger.info("before the first step: mIoU %.1f", module.start_miou)


def warn_if_worse(first: float | None, last: float | None, start: str) -> None:
    """Warn where the last mIoU, in percent, is below that before the first step. None: there was nothing to score.

    `start` names the model whose weights the run began with; with other classes or cells it scored otherwise itself.
    """
    if first is not None and last is not None and round(last, 1) < round(first, 1):
        logger.warning(
            "mIoU is %.1f, and was %.1f before the first step (weights of %s): train longer (train.steps), or with a"
            " lower optimizer.learning_rate",
            last,
            first,
            start,
        )
