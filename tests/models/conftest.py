"""Tiny networks that run in milliseconds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from veilseg.keys import Key
from veilseg.models import SegmentationModel, create_model
from veilseg.models.networks.normalize import Normalize

TINY_VIT: dict[str, Any] = {
    "backbone": "vit_tiny_patch16_224",
    "embed_dim": 48,
    "depth": 4,
    "num_heads": 3,
    "image_size": 64,
    "decoder_channels": 32,
}
TINY_CONV: dict[str, Any] = {"widths": (8, 8, 8, 8), "depths": (1, 1, 1, 1), "decoder_width": 8}


@pytest.fixture(autouse=True)
def _one_thread_one_seed() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)


@pytest.fixture
def keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Key]:
    """Two keys, in my.key and next.key of the folder in which the test then runs."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("VEILSEG_KEY_FILE", raising=False)
    made = [Key.generate(), Key.generate()]
    for key, name in zip(made, ("my.key", "next.key"), strict=True):
        key.save(tmp_path / name)
    return made


def tiny_setr(decoder: str = "mla", **options: Any) -> SegmentationModel:
    """SETR of 4 blocks and 5 classes in eval mode, its random weights large enough for clear predictions."""
    model = create_model(f"setr-{decoder}", num_classes=5, **{**TINY_VIT, **options}).eval()
    return awake(model)


def normalize_of(model: torch.nn.Module) -> Normalize:
    """The layer that normalizes pixels."""
    return next(part for part in model.modules() if isinstance(part, Normalize))


def tiny_conv(**options: Any) -> SegmentationModel:
    """ConvSeg of 5 classes in eval mode."""
    return awake(create_model("convseg", num_classes=5, **{**TINY_CONV, **options}).eval())


def awake(model: SegmentationModel) -> SegmentationModel:
    """Classifiers start near zero; scale them up, so that logits differ by more than rounding."""
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, torch.nn.Conv2d) and module.out_channels in (5, 20):  # ConvSeg: 2 x 2 positions
                module.weight.mul_(50)
    return model


def images(*shape: int) -> torch.Tensor:
    """Random uint8 images."""
    return torch.randint(0, 256, shape, dtype=torch.uint8)
