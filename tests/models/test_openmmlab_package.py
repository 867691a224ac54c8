"""Checkpoints made by mmsegmentation itself, converted, against its own forward pass.

Skipped where it is not installed: `pip install --no-deps -r .ci/peers.txt` does that, and CI runs it. Other versions
in a folder before it on PYTHONPATH: `pip install --no-deps --target DIR mmsegmentation==1.2.2 mmcv-lite==2.1.0`, 1.1.2
with mmcv-lite 2.0.1, 0.30.0 with mmcv 1.7.2 (MMCV_WITH_OPS=0, --no-build-isolation, setuptools before 70).
"""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from bench import openmmlab

from veilseg.models.openmmlab.convert import import_openmmlab

VERSION = getattr(pytest.importorskip("mmcv", exc_type=ImportError), "__version__", "2")
OLD = VERSION.startswith("1.")  # mmsegmentation 0.x; since then mmengine has what it needs of mmcv
if not OLD:
    pytest.importorskip("mmengine", exc_type=ImportError)
NORM = "norm_cfg=dict(type='LN', eps=1e-6, requires_grad=True)"
LAYER = "norm_layer=dict(type='LN', eps=1e-6)"
BN = "norm_cfg=dict(type='BN', requires_grad=True)"
HEAD = f"num_classes=5, dropout_ratio=0, {BN}, align_corners=False"
MLA = f"mla_channels=8, {HEAD}"
UP = f"channels=16, in_channels=32, in_index=3, {HEAD}, {LAYER}"
MEAN, STD = [123.675, 116.28, 103.53], [58.395, 57.12, 57.375]
HEADS = {
    "naive": f"dict(type='SETRUPHead', {UP}, num_convs=1, up_scale=4, kernel_size=1)",
    "pup": f"dict(type='SETRUPHead', {UP}, num_convs=4, up_scale=2, kernel_size=3)",
    "mla": f"dict(type='SETRMLAHead', channels=32, in_channels=(16,) * 4, in_index=(0, 1, 2, 3), {MLA})",
}


@pytest.fixture(scope="module")
def build() -> Callable[[Any], Any]:
    """Makes mmsegmentation's network."""
    make: Callable[[Any], Any] = openmmlab.models().build_segmentor if OLD else openmmlab.registry().build
    return make


def config_text(decoder: str, patch_bias: bool | None, image: tuple[int, int]) -> str:
    bias = "" if patch_bias is None else f", patch_bias={patch_bias}"
    mla = decoder == "mla"
    neck = (
        f"dict(type='MLANeck', in_channels=[32] * 4, out_channels=16, {BN}, act_cfg=dict(type='ReLU'))" if mla else None
    )
    values = f"mean={MEAN}, std={STD}"
    before = (
        f"img_norm_cfg = dict({values}, to_rgb=True)\n"
        if OLD
        else f"data_preprocessor = dict(type='SegDataPreProcessor', {values}, bgr_to_rgb=True, size=crop_size)\n"
    )
    return (
        f"crop_size = {image}\n{before}"
        f"model = dict(type='EncoderDecoder', {'' if OLD else 'data_preprocessor=data_preprocessor, '}"
        f"backbone=dict(type='VisionTransformer', img_size={image}, patch_size=16, embed_dims=32, "
        "num_layers=4, num_heads=4, out_indices=(0, 1, 2, 3), "
        f"with_cls_token={not mla}, drop_rate=0.0, interpolate_mode='bilinear', {NORM}{bias}), "
        f"neck={neck if mla else None}, "
        f"decode_head={HEADS[decoder]}, test_cfg=dict(mode='whole'), train_cfg=dict())\n"
    )


@pytest.mark.parametrize("patch_bias", [None, True])
@pytest.mark.parametrize("decoder", ["naive", "pup", "mla"])
@pytest.mark.parametrize("image", [(64, 64), (32, 96)])
@torch.no_grad()
def test_as_mmsegmentation_computes(
    build: Callable[[Any], Any], decoder: str, patch_bias: bool | None, image: tuple[int, int], tmp_path: Path
) -> None:
    path = tmp_path / "config.py"
    path.write_text(config_text(decoder, patch_bias, image))
    config = importlib.import_module("mmcv" if OLD else "mmengine.config").Config.fromfile(str(path))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            theirs = build(config.model).eval()
        except TypeError as error:
            if patch_bias is None or "patch_bias" not in str(error):
                raise
            pytest.skip("before 1.2 every patch embedding has a bias")
    generator = torch.Generator().manual_seed(0)
    for value in theirs.parameters():
        scale = 1.0 / max(1, value[0].numel()) ** 0.5 if value.ndim > 1 else 0.3
        value.copy_(scale * torch.randn(value.shape, generator=generator) + (value.ndim == 1))
    checkpoint = tmp_path / "setr.pth"
    torch.save({"state_dict": theirs.state_dict(), "meta": {"cfg": config.pretty_text}}, checkpoint)
    ours = import_openmmlab(checkpoint)
    assert ours.config.arguments["image_size"] == list(image)
    for size in (image, (64, 80)):
        pixels = torch.randint(0, 256, (2, 3, *size), generator=generator).float()
        mean, std = (torch.tensor(values)[:, None, None] for values in (MEAN, STD))
        wanted = theirs.encode_decode((pixels - mean) / std, [{"img_shape": size}] * 2)
        assert wanted.shape[-2:] == size
        assert wanted.std() > 0.01
        assert (ours(pixels) - wanted).abs().max() < 1e-3 * wanted.std()
