"""A dataset as COCO's JSON, which annotation tools and other libraries read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from veilseg.data.base import IGNORED, PairedFiles, SegmentationData
from veilseg.data.faults import FileData
from veilseg.data.registry import spec_of
from veilseg.errors import InvalidDataError, UsageError
from veilseg.modelfolder import find_model
from veilseg.rle import encode_counts


def to_coco(data: SegmentationData, advance: Callable[[], None] = lambda: None) -> dict[str, Any]:
    """{"images", "annotations", "categories"}: one annotation for every class that occurs in an image.

    A class is one area (COCO's "stuff"), as compressed RLE with `iscrowd` 1, as RLE is read by most. Ids of categories
    are class ids plus 1; ignored pixels are in no annotation. file_name is the photograph's without its folder.
    `advance` is called after every image. Raises InvalidDataError for what cannot be read, and for an id without a
    class.
    """
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for index in range(len(data)):
        sample = data[index]
        height, width = sample.label.shape
        file_name = Path(data.files(index).image_name).name if isinstance(data, FileData) else f"{sample.name}.png"
        images.append({"id": index + 1, "file_name": file_name, "height": height, "width": width})
        for class_id in np.unique(sample.label[sample.label != IGNORED]).tolist():
            if class_id >= len(data.classes):
                raise InvalidDataError(
                    f"{sample.name}: the label holds id {class_id}, but there are {len(data.classes)} classes",
                    "name them in classes.json, or take those of the model that made the maps (--model)",
                )
            mask = sample.label == class_id
            annotations.append({"id": len(annotations) + 1, "image_id": index + 1, **_area(mask, class_id)})
        advance()
    categories = [{"id": index + 1, "name": name} for index, name in enumerate(data.classes)]
    return {"images": images, "annotations": annotations, "categories": categories}


def maps_of(where: str, split: str | None, model: str) -> PairedFiles:
    """Photographs in images/ and the maps that a model made of them in labels/, with the model's classes.

    Raises UsageError for another kind of dataset and for a model whose classes nobody here knows, InvalidModelError
    and InvalidDataError for what is not there.
    """
    kind, _, folder = spec_of(where).partition(":")
    if kind != "folder":
        raise UsageError(f"{kind} has classes of its own", "leave --model out")
    config = find_model(model).config
    if config is None:
        raise UsageError(f"the classes of {model} are not known here", "name them in classes.json")
    root = Path(folder).expanduser() / (split or "")
    palette = np.array(config.palette, np.uint8)
    return PairedFiles(f"folder/{root.name}", root / "images", root / "labels", classes=config.classes, palette=palette)


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
