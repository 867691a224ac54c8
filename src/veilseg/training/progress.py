"""What a run says while it goes on: a bar with loss, mIoU and time left on a terminal, lines in a log elsewhere."""

from __future__ import annotations

import logging
import time
from typing import Any

import lightning.pytorch as pl
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

#: Lines at level INFO. `veilseg train` shows them on stderr; other programs as they like.
logger = logging.getLogger("veilseg.training")
BETWEEN_LINES = 60.0  # seconds, unless a validation ends earlier
BETWEEN_LOSSES = 10  # steps: a GPU is waited for when its loss is read


class Progress(pl.Callback):
    """Shows how far a run is, in its first process."""

    def __init__(self, steps: int, watched: bool) -> None:
        self.steps, self.watched = steps, watched
        self.bars: Bars | None = None
        self.task: Any = None
        self.first, self.begun, self.said_at = 0, 0.0, 0.0

    def on_train_start(self, trainer: pl.Trainer, module: Any) -> None:
        self.first, self.begun = trainer.global_step, time.monotonic()
        self.said_at = self.begun
        if self.watched and trainer.is_global_zero:
            columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[scores]}"), TimeRemainingColumn())
            self.bars = Bars(TextColumn("{task.description}"), *columns, console=Console(stderr=True), transient=True)
            self.bars.start()
            self.task = self.bars.add_task("training", total=self.steps, completed=self.first, scores="")

    def on_train_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        step = trainer.global_step
        if self.bars is not None:
            if step % BETWEEN_LOSSES == 0:
                self.bars.update(self.task, scores=_scores(trainer))
            self.bars.update(self.task, completed=step)
        elif time.monotonic() > self.said_at + BETWEEN_LINES:
            self._say(trainer)

    def on_validation_start(self, trainer: pl.Trainer, module: Any) -> None:
        if self.bars is not None:
            self.bars.update(self.task, description="validating")

    def on_validation_end(self, trainer: pl.Trainer, module: Any) -> None:
        if self.bars is not None:
            self.bars.update(self.task, description="training", scores=_scores(trainer))
        elif trainer.state.fn == "fit":
            self._say(trainer)

    def teardown(self, trainer: pl.Trainer, module: Any, stage: str) -> None:
        self._close()

    def on_exception(self, trainer: pl.Trainer, module: Any, exception: BaseException) -> None:
        self._close()

    def _say(self, trainer: pl.Trainer) -> None:
        if not trainer.is_global_zero:
            return
        self.said_at = time.monotonic()
        step = trainer.global_step
        done, left = step - self.first, self.steps - step
        seconds = (self.said_at - self.begun) / max(1, done) * left
        after = f"; about {duration(seconds)} left" if done and left else ""
        logger.info("step %d of %d: %s%s", step, self.steps, _scores(trainer) or "no loss yet", after)

    def _close(self) -> None:
        if self.bars is not None:
            self.bars.stop()
            self.bars = None


def duration(seconds: float) -> str:
    """A length of time for people: `50 s`, `12 min` or `3 h 05 min`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02} min"


def _scores(trainer: pl.Trainer) -> str:
    """The last loss and, once there was a validation, its mIoU in percent."""
    found = trainer.callback_metrics
    loss = f"loss {float(found['loss']):.3f}" if "loss" in found else ""
    return ", ".join(filter(None, (loss, f"mIoU {float(found['val_miou']):.1f}" if "val_miou" in found else "")))
