"""Whether a run that starts from a model ends better than that model: a short one may not."""

from __future__ import annotations

import lightning.pytorch as pl
from lightning.pytorch.utilities.seed import isolate_rng

from veilseg.training.loading import RunData
from veilseg.training.module import SegmentationTraining
from veilseg.training.progress import logger


def validate_start(trainer: pl.Trainer, module: SegmentationTraining, data: RunData) -> None:
    """Validate the model before its first step. Takes none of the run's random numbers."""
    with isolate_rng():
        trainer.validate(module, data, verbose=False)
    found = trainer.callback_metrics.get("val_miou")
    if found is not None:
        module.start_miou = float(found)
        if trainer.is_global_zero:
            logger.info("before the first step: mIoU %.1f", module.start_miou)


def warn_if_worse(module: SegmentationTraining, after: float, start: str) -> None:
    """Warn where the last mIoU, `after`, is below the first one, in percent. `start`: that model's name."""
    before = module.start_miou
    if before is not None and after < before:
        logger.warning(
            "mIoU is %.1f, and %s had %.1f before the first step: train longer (train.steps), or with a lower"
            " optimizer.learning_rate",
            *(after, start, before),
        )
