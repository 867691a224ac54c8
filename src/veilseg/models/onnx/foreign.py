"""What networks of other libraries need before they can be traced: plain attention, decisions taken, a size."""

from __future__ import annotations

import torch
from torch import Tensor

from veilseg.errors import InvalidModelError
from veilseg.models.base import SegmentationModel
from veilseg.models.encryption.probe import image_size
from veilseg.models.encryption.trial import random_photo

#: Switches of transformers that are kept as tensors: a tracer cannot ask them.
_SWITCHES = ("attn_mask_probs",)  # EoMT: which of its last layers mask their attention


def settle(model: SegmentationModel) -> None:
    """Let a network of another library be traced, in place; what it computes stays."""
    for part in model.modules():
        if (choose := getattr(part, "set_attn_implementation", None)) is not None:
            choose("eager")  # operators that fuse attention are not all known to ONNX
        if hasattr(part, "fused_attn"):  # timm's name for the same
            part.fused_attn = False  # type: ignore[assignment]
        for name in _SWITCHES:
            if isinstance(part._buffers.get(name), Tensor):
                setattr(part, name, part._buffers.pop(name).tolist())  # type: ignore[union-attr]


def given_size(model: SegmentationModel) -> tuple[int, int]:
    """The (H, W), on the model's grid, of a photograph of 480 x 640 as its processor gives it, or the network's own."""
    multiple = model.config.size_multiple
    try:
        height, width = (model.to_working_size or (lambda photo: photo))(random_photo(480, 640)).shape[:2]
        model(torch.zeros(1, 3, height, width))
    except InvalidModelError:  # a processor that pads or cuts, or a network of one size
        return image_size(model, multiple, random_photo)
    return -(-height // multiple) * multiple, -(-width // multiple) * multiple
