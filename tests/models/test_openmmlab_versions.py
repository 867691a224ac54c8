"""What versions of mmsegmentation leave out of a checkpoint or its config, and where it is found."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests.models.encrypted import KEYS, encrypt_blocks
from tests.models.openmmlab_reference import HEADS, forward, pixels, random_state, saved
from veilseg.errors import InvalidModelError
from veilseg.models import encrypt_model
from veilseg.models.openmmlab.convert import import_openmmlab


@torch.no_grad()
@pytest.mark.parametrize("decoder", ["naive", "pup", "mla"])
def test_patch_embeddings_without_bias(decoder: str, tmp_path: Path) -> None:
    """As mmsegmentation makes them since 1.2; a file whose config promises one lacks it."""
    state = random_state(decoder)
    bias = state.pop("backbone.patch_embed.projection.bias")
    model = import_openmmlab(saved(tmp_path / "a.pth", state), heads=HEADS)
    images = pixels(64, 48)
    reference = {**state, "backbone.patch_embed.projection.bias": torch.zeros_like(bias)}
    wanted, _ = forward(reference, decoder, images, heads=HEADS, taps=(0, 1, 2, 3), grid=(4, 4))
    assert (model(images) - wanted).abs().max() < 2e-4 * wanted.std()
    stored = encrypt_blocks(images, "patch-permutation", KEYS[0], 16)
    assert (encrypt_model(model, KEYS[0])(stored) - wanted).abs().max() < 2e-4 * wanted.std()
    meta = {"cfg": "model = dict(backbone=dict(type='VisionTransformer', patch_bias=True, norm_cfg=dict(eps=1e-6)))"}
    with pytest.raises(InvalidModelError, match="1 missing"):
        import_openmmlab(saved(tmp_path / "b.pth", state, meta=meta), heads=HEADS)


@pytest.mark.parametrize("text", [
    "crop_size = (32, 112)\nmodel = dict(backbone=dict(type='VisionTransformer', norm_cfg=dict(eps=1e-6)))",
    "crop_size = (32, 112)\ndata_preprocessor = dict(size=crop_size)\n"
    "model = dict(data_preprocessor=data_preprocessor, backbone=dict(norm_cfg=dict(eps=1e-6)))",
])  # fmt: skip
@torch.no_grad()
def test_the_shape_of_positions_from_the_training_crops(text: str, tmp_path: Path) -> None:
    state = random_state("naive", grid=(2, 7))
    model = import_openmmlab(saved(tmp_path / "a.pth", state, meta={"cfg": text}), heads=HEADS)
    assert model.config.arguments["image_size"] == [32, 112]
    images = pixels(64, 64)
    wanted, _ = forward(state, "naive", images, heads=HEADS, taps=(0, 1, 2, 3), grid=(2, 7), mode="bicubic")
    assert (model(images) - wanted).abs().max() < 2e-4 * wanted.std()
    square = import_openmmlab(saved(tmp_path / "b.pth", random_state("naive"), meta={"cfg": text}), heads=HEADS)
    assert square.config.arguments["image_size"] == [64, 64], "crops that do not fit say nothing"
