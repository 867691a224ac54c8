"""A run in miniature: everything is built as the recipe says, and two steps are made on generated stand-ins."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from veilseg.data import Sample, SegmentationData, open_data
from veilseg.data.ade20k import ADE20K_CLASSES
from veilseg.data.camvid import CAMVID_CLASSES
from veilseg.data.cityscapes import CITYSCAPES_CLASSES
from veilseg.modelconfig import default_palette
from veilseg.training.recipe import Recipe, Source
from veilseg.training.training_run import prepare

STEPS = 2
# kind: classes, typical height and width
KINDS = {
    "camvid": (CAMVID_CLASSES, (360, 480)),
    "cityscapes": (CITYSCAPES_CLASSES, (1024, 2048)),
    "scenes": (CAMVID_CLASSES, (360, 480)),
    "ade20k": (ADE20K_CLASSES, (512, 683)),
}


class StandIn:
    """`count` images of noise with every class, in the size of a dataset's images, or of `size`."""

    def __init__(self, kind: str, count: int = STEPS, size: tuple[int, int] | None = None) -> None:
        self.name = f"{kind} (stand-in)"
        self.count = count
        self.classes, typical = KINDS[kind]
        self.size = size or typical
        self.palette = np.array(default_palette(len(self.classes)), np.uint8)

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Sample:
        if not 0 <= index < self.count:
            raise IndexError(index)
        rng = np.random.default_rng(index)
        image = rng.integers(0, 256, (*self.size, 3), np.uint8)
        coarse = rng.integers(0, len(self.classes), (-(-self.size[0] // 32), -(-self.size[1] // 32)), np.uint8)
        label = coarse.repeat(32, 0).repeat(32, 1)[: self.size[0], : self.size[1]]
        return Sample(f"noise-{index}", image, label)


def dry_run(recipe: Recipe) -> float:
    """Two steps and one validation of `recipe` at batch 1 per part, on stand-ins, without downloads; the last loss.

    Nothing is kept. Errors as for train, except that named datasets need not exist.
    """
    machine = recipe.machine
    train = recipe.train.model_copy(
        update={
            "steps": STEPS,
            "batch": machine.devices * machine.nodes * recipe.train.accumulate,
            "validate_every": STEPS,
            "checkpoint_every": STEPS,
        }
    )
    arguments = {name: value for name, value in recipe.model.arguments.items() if name not in ("pretrained", "weights")}
    small = recipe.model_copy(
        update={
            "train": train,
            "model": recipe.model.model_copy(update={"arguments": arguments}),
            "machine": machine.model_copy(update={"workers": 0}),
        }
    )

    def stand_in(source: Source) -> SegmentationData:
        kind = source.source.partition(":")[0]
        if kind not in KINDS:
            return open_data(source.source, source.split)
        return StandIn(kind, 1, recipe.augment.crop) if source is recipe.data.val else StandIn(kind)

    with tempfile.TemporaryDirectory() as folder:
        run = prepare(small, Path(folder), stand_in)
        run.trainer.fit(run.module, run.data)
        return float(run.trainer.callback_metrics["loss"])
