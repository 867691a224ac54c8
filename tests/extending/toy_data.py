"""A dataset from outside: stripes of two classes, `stripes:COUNT`."""

from __future__ import annotations

import numpy as np

from veilseg.data import registry
from veilseg.data.base import Sample, SegmentationData


class Stripes:
    """Dark stripes are one class, light ones the other."""

    classes = ("dark", "light")
    palette = np.array([[0, 0, 0], [255, 255, 255]], np.uint8)

    def __init__(self, count: int) -> None:
        self.name, self.count = f"stripes:{count}", count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Sample:
        rng = np.random.default_rng(index)
        label = np.tile(np.arange(64) // 16 % 2, (64, 1)).astype(np.uint8)
        noise = rng.integers(0, 40, (64, 64, 3))
        return Sample(f"stripes-{index}", (label[:, :, None] * 200 + noise).astype(np.uint8), label)


def open_stripes(where: str, split: str | None) -> SegmentationData:
    return Stripes(int(where))


registry.register("stripes", open_stripes)
