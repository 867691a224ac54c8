"""What watches a run: stopping between two steps, how fast it is, and the share of time it waits for samples."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import lightning.pytorch as pl


class StoppedError(Exception):
    """The run was asked to stop, and has written a checkpoint; Lightning would turn KeyboardInterrupt into exit."""


class StoppedRun(KeyboardInterrupt):
    """A run was asked to stop, and goes on from its checkpoint when it is started again.

    Attributes:
        step, steps: how many are done, of how many.
    """

    def __init__(self, step: int, steps: int) -> None:
        super().__init__(f"stopped at step {step} of {steps}")
        self.step, self.steps = step, steps


class StopBetweenSteps(pl.Callback):
    """Ctrl-C and SIGTERM let the step end, write a checkpoint and raise StoppedError; another, later, acts at once.

    Within a second it counts as the same: `timeout` sends its signal to the process and then to the whole group.
    """

    def __init__(self, checkpoint: Path) -> None:
        self.checkpoint, self.asked, self.asked_at = checkpoint, False, 0.0

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Take both signals while the run goes on, then give them back. In a thread, where none arrive, do nothing."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def ask(number: int, frame: Any) -> None:
            if not self.asked:
                self.asked, self.asked_at = True, time.monotonic()
            elif time.monotonic() > self.asked_at + 1:
                raise KeyboardInterrupt

        before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def on_train_batch_end(self, trainer: pl.Trainer, module: Any, outputs: Any, batch: Any, index: int) -> None:
        if (index + 1) % trainer.accumulate_grad_batches:
            return  # gradients of a part of a batch are in no checkpoint
        asked = trainer.strategy.reduce_boolean_decision(self.asked, all=False)
        if asked:
            trainer.save_checkpoint(self.checkpoint)
            raise StoppedError


class WaitingShare(pl.Callback):
    """Logs `waiting` and `steps_per_second`.

    Waiting: the share of the time since the last log between the steps: reading, augmenting and encrypting samples.
    """

    def __init__(self, every: int = 50) -> None:
        self.every, self.waited, self.worked, self.parts = every, 0.0, 0.0, 0
        self.mark: float | None = None

    def on_train_batch_start(self, trainer: pl.Trainer, module: Any, batch: Any, index: int) -> None:
        now = time.perf_counter()
        if self.mark is not None:
            self.waited += now - self.mark
        self.mark = now

    def on_train_batch_end(self, trainer: pl.Trainer, module: pl.LightningModule, *rest: Any) -> None:
        now = time.perf_counter()
        if self.mark is not None:
            self.worked += now - self.mark
            self.parts += 1
        self.mark = now
        if trainer.global_step % self.every == 0 and self.worked:
            module.log("waiting", self.waited / (self.waited + self.worked))
            steps = self.parts / trainer.accumulate_grad_batches
            module.log("steps_per_second", steps / (self.waited + self.worked))
            self.waited, self.worked, self.parts = 0.0, 0.0, 0

    def on_validation_start(self, trainer: pl.Trainer, module: Any) -> None:
        self.mark = None
