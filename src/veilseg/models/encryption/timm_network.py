"""A classifier of timm as one of our segmentation models: the map of what its head sees at every place."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from torch import Tensor, nn

from veilseg.errors import InvalidModelError
from veilseg.modelconfig import ModelConfig
from veilseg.models.base import SegmentationModel
from veilseg.models.encryption.hf_network import enlarge, taking_pixels
from veilseg.models.encryption.marks import input_spec
from veilseg.models.encryption.probe import image_size
from veilseg.models.encryption.processor import PixelStatistics
from veilseg.models.encryption.stems import find_stem, grid_of
from veilseg.models.encryption.timm_folder import load_timm
from veilseg.models.encryption.trial import random_photo

_MOST_CLASSES = 255


class TimmNetwork(nn.Module):
    """Pixels float [N, 3, H, W] to class scores float [N, K, H, W], bilinear from the network's last features.

    Every place is classified by the network's own head, as an image would be that looks like this everywhere: a class
    activation map. Of networks that average their features before a linear head, its mean is the image's own answer.
    """

    def __init__(self, model: Any, size_multiple: int) -> None:
        super().__init__()
        self.model = model
        self.size_multiple = size_multiple

    def forward(self, images: Tensor) -> Tensor:
        count, _, height, width = images.shape
        try:
            features: Tensor = self.model.forward_features(images)
        except (RuntimeError, ValueError, AssertionError) as error:
            raise InvalidModelError(
                f"this network does not take images of {width} x {height} pixels", "resize them before encrypting"
            ) from error
        if features.ndim == 3:  # tokens, of which the first stand for no place
            first = int(getattr(self.model, "num_prefix_tokens", 0))
            patches, step = features[:, first:], self.size_multiple
            rows, columns = height // step, width // step
            alike = patches.reshape(-1, 1, patches.shape[2]).expand(-1, first + 1, -1)
        elif features.shape[1] == self.model.num_features:
            rows, columns = features.shape[2:]
            alike = features.permute(0, 2, 3, 1).reshape(-1, features.shape[1], 1, 1)
        else:
            rows, columns = features.shape[1:3]
            alike = features.reshape(-1, 1, 1, features.shape[3])
        scores: Tensor = self.model.forward_head(alike)
        maps = scores.reshape(count, rows, columns, -1).permute(0, 3, 1, 2)
        return enlarge(maps.float(), images.shape[-2:])


def load_classifier(folder: str | Path) -> SegmentationModel:
    """The model of timm saved in `folder` as a SegmentationModel for raw pixels, plain or encrypted as it is.

    Photographs are resized to the size that the network takes, whatever their shape. Raises InvalidModelError as
    load_timm does, for networks without a classifier, and for more than 255 classes, which no label map holds.
    """
    model, statistics = load_timm(folder)
    spec, stem = input_spec(model), find_stem(model)
    classes = int(getattr(model, "num_classes", 0))
    if not 1 <= classes <= _MOST_CLASSES or not hasattr(model, "forward_head"):
        raise InvalidModelError(
            f"{folder} holds a network of timm with {classes} classes, and a label map holds 1 to {_MOST_CLASSES}",
            "load it with timm.create_model",
        )
    if not spec.keyed:
        model = taking_pixels(model, PixelStatistics.of_processor(statistics))
    grid = grid_of(stem)
    height, width = image_size(model, grid, random_photo)
    names = model.pretrained_cfg.get("label_names") or ()
    config = ModelConfig(
        architecture="timm",
        arguments={"class": type(model).__name__},
        classes=tuple(names) if len(names) == classes else tuple(f"class {index}" for index in range(classes)),
        input=spec,
        size_multiple=grid,
        longer_side=max(height, width),
    )
    wrapped = SegmentationModel(TimmNetwork(model, grid), config).eval()
    wrapped.to_working_size = partial(_resize, height, width)
    return wrapped


def _resize(height: int, width: int, photo: np.ndarray) -> np.ndarray:
    return np.asarray(Image.fromarray(photo).resize((width, height), Image.Resampling.BICUBIC))
