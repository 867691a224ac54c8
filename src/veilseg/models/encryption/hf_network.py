"""A transformers segmentation model as one of ours: raw pixels in, logits out, so that Segmenter runs and checks it."""

from __future__ import annotations

import copy
import inspect
from functools import partial
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from veilseg.errors import InvalidModelError
from veilseg.modelconfig import ModelConfig
from veilseg.models.base import SegmentationModel
from veilseg.models.encryption.hf import load_transformers
from veilseg.models.encryption.inputs import frames_of
from veilseg.models.encryption.marks import input_spec
from veilseg.models.encryption.probe import channels_come_last
from veilseg.models.encryption.processor import PixelStatistics, client_image
from veilseg.models.encryption.stem_weights import fold_statistics
from veilseg.models.encryption.stems import find_stem, grid_of
from veilseg.scale import ORIGINAL

#: What networks that are asked in words take besides an image.
_TEXTS = frozenset({"input_ids", "task_inputs"})


class TransformersNetwork(nn.Module):
    """Pixels float [N, 3, H, W] to class scores float [N, K, H, W], from whatever a transformers model answers.

    Maps of logits are enlarged to the image (bilinear). Of queries with masks (EoMT, Mask2Former) every pixel gets the
    sum over the queries of class probability times mask probability, as these models' own post-processing has it.
    """

    def __init__(self, model: nn.Module, size_multiple: int) -> None:
        super().__init__()
        self.model = model
        self.size_multiple = size_multiple

    def forward(self, images: Tensor) -> Tensor:
        size = images.shape[-2:]
        try:
            answer: Any = self.model(pixel_values=images)
        except (RuntimeError, ValueError) as error:
            raise InvalidModelError(
                f"this network does not take images of {size[1]} x {size[0]} pixels",
                "prepare images with veilseg.models.client_images before encrypting them",
            ) from error
        classes, masks = (getattr(answer, name, None) for name in ("class_queries_logits", "masks_queries_logits"))
        if classes is not None and masks is not None:
            share = enlarge(masks.float(), size).sigmoid()
            return torch.einsum("nqc,nqhw->nchw", classes.float().softmax(-1)[..., :-1], share)
        logits = getattr(answer, "logits", None)
        if not isinstance(logits, Tensor) or logits.ndim != 4:
            raise InvalidModelError(
                f"a {type(self.model).__name__} gives no map of classes", "take a segmentation model"
            )
        return enlarge(logits.float(), size)


def load_segmentation(folder: str | Path) -> SegmentationModel:
    """The transformers model saved in `folder` as a SegmentationModel for raw pixels, plain or encrypted as it is.

    Raises InvalidModelError as load_transformers does, and for a plain model without an image processor.
    """
    return as_segmentation(*load_transformers(folder))


def as_segmentation(model: nn.Module, processor: Any | None = None) -> SegmentationModel:
    """A transformers model as a SegmentationModel for raw pixels, plain or encrypted as it is.

    Classes come from id2label; photographs are resized as the image `processor` does, where there is one. A plain
    model's statistics, which it states, are folded in a copy. Raises InvalidModelError for a plain model without one.
    """
    if frames_of(model):
        raise InvalidModelError(
            f"a {type(model).__name__} reads videos, and a label map is of one image", "run it with transformers"
        )
    names = inspect.signature(model.forward).parameters
    needed = {name for name, one in names.items() if one.default is one.empty and one.kind is one.POSITIONAL_OR_KEYWORD}
    if more := sorted((_TEXTS.intersection(names) | needed) - {"pixel_values"}):
        raise InvalidModelError(
            f"a {type(model).__name__} asks for more than an image ({', '.join(more)})",
            "run it with transformers; Segmenter takes networks that read an image alone",
        )
    spec = input_spec(model)
    if not spec.keyed:
        if processor is None:
            raise InvalidModelError(
                "this model does not say how images are normalized", "save its image processor with it"
            )
        model = taking_pixels(model, PixelStatistics.of_processor(processor))
    multiple = grid_of(find_stem(model))
    labels: dict[int, str] = model.config.id2label  # type: ignore[union-attr, assignment]
    config = ModelConfig(
        architecture="transformers",
        arguments={"class": type(model).__name__},
        classes=tuple(labels[index] for index in sorted(labels)),
        input=spec,
        size_multiple=multiple,
        longer_side=_longer_side(processor),
    )
    wrapped = SegmentationModel(TransformersNetwork(model, multiple), config).eval()
    if processor is not None:
        wrapped.to_working_size = partial(client_image, processor)
    return wrapped


def taking_pixels(model: nn.Module, statistics: PixelStatistics) -> nn.Module:
    """A copy of a plain network of another library that takes pixels 0..255 as they are."""
    copied = copy.deepcopy(model)
    stem = find_stem(copied)
    fold_statistics(copied, stem, statistics, channels_last=channels_come_last(copied, stem))
    return copied


def _longer_side(processor: Any | None) -> int:
    """The longer side in pixels that an image processor resizes to, for clients without it; ORIGINAL where it has none.

    Such clients keep the shape of photographs, and do not enlarge them.
    """
    size = dict(getattr(processor, "size", None) or {}) if getattr(processor, "do_resize", False) else {}
    sides = [int(size[name]) for name in ("height", "width", "longest_edge") if size.get(name)]
    if shortest := size.get("shortest_edge"):
        sides = [min(int(shortest) * 4 // 3, *sides)] if sides else [int(shortest) * 4 // 3]  # as of a camera
    return max(sides, default=ORIGINAL)


def enlarge(maps: Tensor, size: torch.Size) -> Tensor:
    """Maps [N, K, h, w] at another size, bilinear."""
    return F.interpolate(maps, size=tuple(size), mode="bilinear", align_corners=False)
