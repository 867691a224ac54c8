"""A dataset as COCO's JSON, which annotation tools and other libraries read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from veilseg.data.base import IGNORED, SegmentationData
from veilseg.data.faults import FileData
from veilseg.errors import InvalidDataError
from veilseg.rle import encode_counts


def to_coco(
    data: SegmentationData, classes: Sequence[str] | None = None, advance: Callable[[], None] = lambda: None
) -> dict[str, Any]:
    """{"images", "annotations", "categories"}: one annotation for every class that occurs in an image.

    A class is one area (COCO's "stuff"), as compressed RLE with `iscrowd` 1, as RLE is read by most. Ids of categories
    are class ids plus 1; ignored pixels are in no annotation. file_name is the photograph's without its folder.

    Args:
        data: read once, in its order.
        classes: names instead of the dataset's, as of the model that made the label maps.
        advance: called after every image.

    Raises InvalidDataError for what cannot be read, and for an id without a class.
    """
    names = tuple(data.classes if classes is None else classes)
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for index in range(len(data)):
        sample = data[index]
        height, width = sample.label.shape
        images.append({"id": index + 1, "file_name": _file_name(data, index), "height": height, "width": width})
        for class_id in np.unique(sample.label[sample.label != IGNORED]).tolist():
            if class_id >= len(names):
                raise InvalidDataError(
                    f"{sample.name}: the label holds id {class_id}, but there are {len(names)} classes",
                    "name them in classes.json, or take those of the model that made the maps (--model)",
                )
            mask = sample.label == class_id
            annotations.append({"id": len(annotations) + 1, "image_id": index + 1, **_area(mask, class_id)})
        advance()
    categories = [{"id": index + 1, "name": name} for index, name in enumerate(names)]
    return {"images": images, "annotations": annotations, "categories": categories}


def _area(mask: np.ndarray, class_id: int) -> dict[str, Any]:
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    left, top = int(columns[0]), int(rows[0])
    return {
        "category_id": class_id + 1,
        "segmentation": {"size": [*mask.shape], "counts": encode_counts(mask)},
        "area": int(mask.sum()),
        "bbox": [left, top, int(columns[-1]) + 1 - left, int(rows[-1]) + 1 - top],
        "iscrowd": 1,
    }


def _file_name(data: SegmentationData, index: int) -> str:
    """The photograph's; data without files is drawn, and saved as PNG by whoever saves it."""
    return Path(data.files(index).image_name).name if isinstance(data, FileData) else f"{data[index].name}.png"
