"""Put a trained run into the package.

Usage: python tools/ship.py runs/camvid-sort8 default
Writes src/veilseg/runtime/shipped/NAME: config.json, model.safetensors (torch) and model.onnx (ONNX Runtime), both with
kernels in float16, of the same rounded weights. A plain model's stem is brought to blocks of 16 pixels in the exported
one only, and kept in stem.bin, where a key can be put in without torch; torch brings it there when it encrypts.
"""

from __future__ import annotations

import math
import sys
from pathlib import Path

import torch

from veilseg.models import export_onnx, load_model, save_model

BLOCK = 16


def ship(run: Path, name: str) -> None:
    """Ship the model of the folder `run` as `name`, in place of the one before."""
    target = Path(__file__).parents[1] / "src" / "veilseg" / "runtime" / "shipped" / name
    model = load_model(run)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim > 1:
                parameter.copy_(parameter.half().float())
    split = BLOCK if model.config.input.encryption is None else None
    export_onnx(model, target, overwrite=True, half=True, split_stem=split)
    if split:  # the folder's one config: images padded to whole blocks suit both files
        model.config.size_multiple = math.lcm(model.config.size_multiple, split)
    save_model(model, target, overwrite=True, half=True)


if __name__ == "__main__":
    ship(Path(sys.argv[1]), sys.argv[2])
