"""What is settled before the first step: that there is something to learn, and that signals reach the right process."""

from __future__ import annotations

import math
import os
import signal
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from lightning.fabric.utilities.exceptions import MisconfigurationException

from veilseg.data import SegmentationData
from veilseg.data.check import MASK_HINT, name_some
from veilseg.errors import InvalidDataError, UsageError
from veilseg.training.recipe import Recipe
from veilseg.training.samples import check_labels


def check_classes(counts: np.ndarray, val: SegmentationData) -> None:
    """Raise InvalidDataError where every pixel is ignored; warn where most are, and of classes without any.

    `counts`: pixels of training per class, then the ignored ones, int64 [K + 1]. Of `val` the first of up to 16 images
    with a class is enough.
    """
    counts, ignored = counts[:-1], counts[-1] / max(1, counts.sum())
    if not counts.any():
        raise InvalidDataError("every pixel of training is ignored", MASK_HINT)
    looked_at = range(0, len(val), -(-len(val) // 16)) if len(val) else ()
    if not any(check_labels(val[index], len(val.classes)).any() for index in looked_at):
        raise InvalidDataError(f"every pixel of {val.name} is ignored", MASK_HINT)
    if missing := [name for name, count in zip(val.classes, counts, strict=True) if not count]:
        hint = f"; {MASK_HINT}" if np.count_nonzero(counts) == 1 or ignored > 0.1 else ""
        warnings.warn(f"no pixel of training belongs to {name_some(missing)}{hint}", UserWarning, stacklevel=2)
    if ignored > 0.5:
        warnings.warn(f"{100 * ignored:.0f} % of the pixels of training are ignored (255)", UserWarning, stacklevel=2)


def check_machine(recipe: Recipe, val: SegmentationData, *, in_memory: bool) -> None:
    """Raise UsageError for what would end in a traceback, or in workers that wait for ever, when the run has begun.

    in_memory: no worker reads images of training. Those of `val` are read by workers always.
    """
    if recipe.train.seed >= 1 << 32:
        raise UsageError(f"train.seed is a number below {1 << 32}", "choose another seed")
    shared, machine = Path("/dev/shm"), recipe.machine
    if not machine.workers or not shared.is_dir():
        return
    # Every worker of every process prepares two batches: images and labels, with some room.
    drawn = 0 if in_memory else recipe.train.batch * math.prod(recipe.augment.crop)
    wanted = 16 * machine.devices * machine.workers * (drawn + (val[0].label.size if len(val) else 0))
    room = os.statvfs(shared)
    free = 0 if room.f_flag & os.ST_RDONLY else room.f_bavail * room.f_frsize
    if free < wanted:
        sizes = f"{free / 1e6:.1f} MB free, and the workers of this recipe need {wanted / 1e6:.1f} MB"
        raise UsageError(f"{shared} has {sizes}", "make it larger (--shm-size of a container), or machine.workers=0")


@contextmanager
def refused_machines() -> Iterator[None]:
    """Lightning's word for devices that are not there becomes a UsageError."""
    try:
        yield
    except MisconfigurationException as error:
        hint = "machine.accelerator=auto and machine.devices=1 take what is there"
        raise UsageError("this machine does not have the devices that the recipe asks for", hint) from error


def whole_checkpoint(path: Path) -> str | None:
    """The checkpoint to go on from, None without one. Raises UsageError where only a part of it is there."""
    if not path.exists():
        return None
    if not zipfile.is_zipfile(path):
        raise UsageError(f"{path} is no whole checkpoint", "remove it to begin again, or put a whole one in its place")
    return str(path)


def same_classes(datasets: list[SegmentationData]) -> None:
    """Raise InvalidDataError where the datasets of a run differ in their classes."""
    for other in datasets[1:]:
        if other.classes != datasets[0].classes:
            raise InvalidDataError(
                f"{datasets[0].name} and {other.name} have different classes", "use datasets with one class list"
            )


_shielding = False


@contextmanager
def workers_go_on() -> Iterator[None]:
    """Processes forked in the block do not end by a Ctrl-C or SIGTERM for the whole group, as systemd sends it.

    They would take the step with them that the run ends before its checkpoint. They end with this process.
    """
    global _shielding
    _shielding = True
    try:
        yield
    finally:
        _shielding = False


def _shield() -> None:
    if _shielding:
        signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM))


os.register_at_fork(after_in_child=_shield)
