"""A dataset at a working size: larger photographs are reduced as clients do it, and their labels with them."""

from __future__ import annotations

import dataclasses

import numpy as np
from PIL import Image

from veilseg.data.base import Sample, SegmentationData
from veilseg.scale import reduce_photograph


class ReducedData:
    """The samples of `data` with at most `longer_side` pixels (0: any) along their longer side.

    A pixel of a reduced label map has the class in the middle of its area.
    """

    def __init__(self, data: SegmentationData, longer_side: int) -> None:
        self._data, self._longer_side = data, longer_side
        self.name, self.classes, self.palette = data.name, data.classes, data.palette

    def __len__(self) -> int:
        return len(self._data)

    def __getitem__(self, index: int) -> Sample:
        """The sample at `index`; plates keep their places in the photograph, and are left out where it was reduced."""
        sample = self._data[index]
        image = reduce_photograph(sample.image, self._longer_side)
        if image is sample.image:
            return sample
        size = image.shape[1], image.shape[0]
        label = np.asarray(Image.fromarray(sample.label).resize(size, Image.Resampling.NEAREST))
        return dataclasses.replace(sample, image=image, label=label, plates=())
