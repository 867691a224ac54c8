"""Loaders: which samples a process works on at which step, from the first step or from where a run was interrupted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import lightning.pytorch as pl
import torch
from torch.utils.data import DataLoader, Sampler, Subset

from veilseg.training.recipe import TrainSection
from veilseg.training.samples import Batch, TrainingSamples, ValidationSamples


class StepBatches(Sampler[list[int]]):
    """Indices of the samples of every part of a batch for process `rank` of `world`, from step `first` on.

    Sample i of step t is number t * batch + i of the run, whatever the number of processes: they and the accumulated
    parts cut a batch into equal slices.
    """

    def __init__(self, section: TrainSection, rank: int = 0, world: int = 1) -> None:
        self.section, self.rank, self.world = section, rank, world
        self.first = 0

    def __len__(self) -> int:
        """All parts of all steps: Lightning counts those of an interrupted run as done."""
        return self.section.steps * self.section.accumulate

    def __iter__(self) -> Iterator[list[int]]:
        size = self.section.batch // (self.world * self.section.accumulate)
        for step in range(self.first, self.section.steps):
            for piece in range(self.section.accumulate):
                start = step * self.section.batch + (self.rank * self.section.accumulate + piece) * size
                yield list(range(start, start + size))


class ResumableLoader(DataLoader[Any]):
    """A loader that goes on where a checkpoint was written. Checkpoints are written between steps."""

    steps: StepBatches
    trainer: pl.Trainer

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint keeps; see Lightning's Stateful protocol."""
        return {"step": self.trainer.global_step}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Begin the next pass at the checkpoint's step."""
        self.steps.first = int(state["step"])


class RunData(pl.LightningDataModule):
    """The loaders of a run, for any number of processes."""

    def __init__(self, train: TrainingSamples, val: ValidationSamples) -> None:
        super().__init__()
        self.train_samples, self.val_samples = train, val
        self.recipe = train.recipe

    def train_dataloader(self) -> Any:
        assert self.trainer is not None
        steps = StepBatches(self.recipe.train, self.trainer.global_rank, self.trainer.world_size)
        workers = 0 if self.train_samples.in_memory else self.recipe.machine.workers
        loader = ResumableLoader(self.train_samples, batch_sampler=steps, num_workers=workers, collate_fn=list)
        loader.steps, loader.trainer = steps, self.trainer
        return loader

    def val_dataloader(self) -> Any:
        assert self.trainer is not None
        own = range(self.trainer.global_rank, len(self.val_samples), self.trainer.world_size)
        # One by one, because the images of a folder may differ in size.
        workers = self.recipe.machine.workers
        return DataLoader(Subset(self.val_samples, own), batch_size=1, num_workers=workers, collate_fn=list)

    def transfer_batch_to_device(self, batch: Any, device: torch.device, dataloader_idx: int) -> Batch:
        """Cut, augment and encrypt where the network runs."""
        assert self.trainer is not None
        samples = self.train_samples if self.trainer.training else self.val_samples
        return samples.batch(batch, device)
