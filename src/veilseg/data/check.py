"""The dataset check: reads every pair and says, one sentence each, what is wrong with it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from veilseg.data.base import IGNORED, SegmentationData
from veilseg.errors import VeilsegError

#: The most common mistake with masks.
MASK_HINT = "255 means ignored: masks of 0 and 255 are written as 0 and 1"


def name_some(names: Sequence[str]) -> str:
    """The first few of `names`, and how many more there are."""
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def check_data(data: SegmentationData, limit: int | None = None) -> list[str]:
    """The problems of the first `limit` pairs of `data` (default: all), an empty list when there are none.

    Named are files that cannot be read, image and label of different size, labels that are not 8-bit ids, ids beyond
    the last class (with the ids found), and pairs without a single labelled pixel.
    Unpaired files are refused earlier, by open_data.
    """
    problems: list[str] = []
    classes = len(data.classes)
    count = len(data) if limit is None else min(limit, len(data))
    for index in range(count):
        try:
            sample = data[index]
        except VeilsegError as error:
            problems.append(f"{error.message}.")
            continue
        found = np.bincount(sample.label.ravel(), minlength=256)
        wrong = [int(value) for value in np.flatnonzero(found) if classes <= value < IGNORED]
        if wrong:
            ids = ", ".join(map(str, wrong))
            problems.append(f"{sample.name}: the label holds ids {ids}, but the last class is {classes - 1}.")
        if found[IGNORED] == sample.label.size:
            problems.append(f"{sample.name}: every pixel is ignored.")
    return problems
