"""Folders as other libraries save them, and images to go with them."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn

from tests.models import families
from veilseg import ciphers


def processor(name: str) -> Any:
    import transformers as t

    return {
        "beit": lambda: t.BeitImageProcessor(size={"height": 64, "width": 64}),
        "upernet-swin": lambda: t.SegformerImageProcessor(size={"height": 64, "width": 96}),
        "upernet-convnext": lambda: t.SegformerImageProcessor(size={"height": 96, "width": 64}),
        "dpt": lambda: t.DPTImageProcessor(size={"height": 64, "width": 64}),
        "eomt": lambda: t.EomtImageProcessor(
            size={"shortest_edge": 64, "longest_edge": 64}, do_split_image=False, do_pad=True
        ),
        "mask2former-swin": lambda: t.Mask2FormerImageProcessor(
            size={"shortest_edge": 64, "longest_edge": 96}, size_divisor=32
        ),
    }[name]()


def saved(name: str, folder: str = "source") -> nn.Module:
    """A family's network and its image processor, saved as their library saves them."""
    torch.manual_seed(0)
    model = families.wake(families.TRANSFORMERS[name]())
    model.save_pretrained(folder)  # type: ignore[operator]
    processor(name).save_pretrained(folder)
    return model


def photo(height: int = 90, width: int = 120) -> np.ndarray:
    tiles = np.random.default_rng(5).integers(0, 200, (height // 6 + 1, width // 6 + 1, 3), dtype=np.uint8)
    return np.repeat(np.repeat(tiles, 6, 0), 6, 1)[:height, :width].copy()


def stored(encrypted: ciphers.EncryptedImage) -> torch.Tensor:
    return torch.from_numpy(np.asarray(encrypted).astype(np.float32)).permute(2, 0, 1)[None]
