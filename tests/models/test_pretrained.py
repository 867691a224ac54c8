"""Pretrained backbones from a file: timm's features, positions on the grid of the weights, refusals."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import timm
import torch
from safetensors.torch import save_file

from tests.models.conftest import awake, images
from tests.models.encrypted import KEYS, encrypt_blocks, same
from veilseg.errors import InvalidModelError
from veilseg.modelconfig import ModelConfig
from veilseg.models import SegmentationModel, create_model, encrypt_model, load_model, save_model
from veilseg.models.base import model_from_config
from veilseg.models.networks.vit import ViTBackbone
from veilseg.models.onnx.export import export_onnx

NAME = "vit_small_patch14_dinov2"
SMALL: dict[str, Any] = {"embed_dim": 24, "depth": 4, "num_heads": 2}


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A small DINOv2 with random weights that all count, in float16 as they are handed around."""
    torch.manual_seed(0)
    vit = timm.create_model(NAME, num_classes=0, **SMALL)
    state = {name: tensor + 0.2 * torch.randn_like(tensor) for name, tensor in vit.state_dict().items()}
    path = tmp_path_factory.mktemp("weights") / "dino.safetensors"
    save_file({name: tensor.half() for name, tensor in state.items()}, path)
    return str(path)


def dino(weights: str, decoder: str = "mla", **options: Any) -> SegmentationModel:
    arguments = {"patch_size": 8, "decoder_channels": 16, "class_token": True, **SMALL, **options}
    return awake(create_model(f"setr-{decoder}", num_classes=5, backbone=NAME, weights=weights, **arguments).eval())


def network_of(model: SegmentationModel) -> Any:
    return model.network


def backbone_of(model: SegmentationModel) -> Any:
    return network_of(model).backbone


@pytest.mark.parametrize("patch", [8, 14, 16])
def test_features_are_those_of_timms_own_loader(weights: str, patch: int) -> None:
    size = 37 * patch
    options = {"num_classes": 0, "patch_size": patch, "img_size": size, **SMALL}
    vit: Any = timm.create_model(NAME, pretrained=True, pretrained_cfg_overlay={"file": weights}, **options).eval()
    backbone: Any = ViTBackbone(NAME, weights=weights, arguments={"patch_size": patch, **SMALL}).eval()
    pixels = images(1, 3, size, size).float()
    normal = (pixels / 255 - torch.tensor(timm.data.IMAGENET_DEFAULT_MEAN)[:, None, None]) / torch.tensor(
        timm.data.IMAGENET_DEFAULT_STD
    )[:, None, None]
    with torch.no_grad():
        wanted: Any = vit.forward_intermediates(normal, indices=[0, 1, 2, 3], intermediates_only=True)
        for got, expected in zip(backbone(pixels), wanted, strict=True):
            assert (got - expected).abs().max() < 2e-3 * expected.abs().max()  # timm resamples in float16


def test_positions_keep_the_grid_of_the_weights(weights: str) -> None:
    """Whatever the patch; a size that is asked for is taken."""
    backbone = backbone_of(dino(weights, patch_size=8))
    assert backbone.grid == (37, 37)
    table = timm.models.load_state_dict(weights)["pos_embed"]
    assert torch.equal(backbone.vit.pos_embed, table.float())
    assert backbone_of(dino(weights, image_size=64)).grid == (8, 8)
    assert dino(weights).config.arguments["image_size"] == [296, 296]


@pytest.mark.parametrize("decoder", ["naive", "mla"])
def test_class_token_and_norm_are_kept(weights: str, decoder: str) -> None:
    model = dino(weights, decoder)
    seen = []
    for block in backbone_of(model).vit.blocks:
        block.register_forward_hook(lambda module, inputs, output: seen.append(output.shape[1]))
    pixels = images(1, 3, 32, 48)
    with torch.no_grad():
        before = model(pixels)
        backbone_of(model).vit.cls_token += 1
        assert seen == [1 + 4 * 6] * 4
        assert not torch.equal(model(pixels), before)
    norms = [module for module in network_of(model).decoder.modules() if isinstance(module, torch.nn.LayerNorm)]
    trunk = timm.models.load_state_dict(weights)
    assert norms
    assert all(torch.equal(norm.weight, trunk["norm.weight"].float()) for norm in norms)


def test_such_a_model_is_saved_exported_and_encrypted(weights: str, tmp_path: Path) -> None:
    model = dino(weights, drop_path_rate=0.1, interpolation="bicubic")
    pixels = images(2, 3, 48, 64)
    with torch.no_grad():
        wanted = model(pixels)
        model.unfold_normalization()
        same(model(pixels), wanted)
        save_model(model, tmp_path / "model")
        same(load_model(tmp_path / "model")(pixels), wanted)
        encrypted = encrypt_model(load_model(tmp_path / "model"), KEYS[0])
        same(encrypted(encrypt_blocks(pixels, "patch-permutation", KEYS[0], encrypted.config.input.block)), wanted)
    assert Path(weights).name not in (tmp_path / "model" / "config.json").read_text()
    export_onnx(load_model(tmp_path / "model"), tmp_path / "onnx")
    session = onnxruntime.InferenceSession(str(tmp_path / "onnx" / "model.onnx"), providers=["CPUExecutionProvider"])
    logits = np.asarray(session.run(None, {"images": pixels.float().numpy()})[0])
    same(torch.from_numpy(logits), wanted, 1e-3)


def test_a_config_names_no_file(weights: str) -> None:
    model = dino(weights)
    assert "weights" not in model.config.arguments
    asking = ModelConfig.from_json(model.config.to_json())
    asking.arguments = {**asking.arguments, "weights": weights}
    with pytest.raises(InvalidModelError, match="asks for pretrained weights"):
        model_from_config(asking)


def test_only_safetensors_are_read(weights: str, tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> Any:
            return Path.touch, (tmp_path / "unpickled",)

    for name in ("dino.pth", "dino.safetensors"):
        (tmp_path / name).write_bytes(pickle.dumps(Trap()))
        with pytest.raises(InvalidModelError, match="no safetensors file"):
            dino(str(tmp_path / name))
    assert not (tmp_path / "unpickled").exists()
    with pytest.raises(InvalidModelError, match="there is no file"):
        dino(str(tmp_path / "absent.safetensors"))


def changed(tensors: dict[str, torch.Tensor], change: str) -> dict[str, torch.Tensor]:
    if change == "lacks":
        del tensors["blocks.1.attn.qkv.bias"]
    elif change == "has unknown":
        tensors["blocks.4.attn.qkv.bias"] = torch.zeros(72)
    elif change == "has shape":
        tensors["norm.weight"] = torch.zeros(25)
    else:
        tensors["pos_embed"] = torch.zeros(1, 1370, 25)
    return tensors


@pytest.mark.parametrize("change", ["lacks", "has unknown", "has shape", "do not fit"])
def test_weights_of_another_model_are_refused(weights: str, tmp_path: Path, change: str) -> None:
    save_file(changed(timm.models.load_state_dict(weights), change), tmp_path / "other.safetensors")
    with pytest.raises(InvalidModelError, match=change):
        dino(str(tmp_path / "other.safetensors"))


def test_a_classifier_in_the_file_is_left_out(weights: str, tmp_path: Path) -> None:
    tensors = timm.models.load_state_dict(weights)
    save_file({**tensors, "head.weight": torch.zeros(1000, 24)}, tmp_path / "head.safetensors")
    pixels = images(1, 3, 32, 32).float()
    with torch.no_grad():
        got, wanted = (backbone_of(dino(str(file)))(pixels) for file in (tmp_path / "head.safetensors", weights))
    assert all(torch.equal(a, b) for a, b in zip(got, wanted, strict=True))


def test_dinov2_is_read_whole(dinov2: Path) -> None:
    """The features that the weights are for: patches of one object answer alike."""
    backbone = ViTBackbone(NAME, weights=str(dinov2), arguments={"patch_size": 16}).eval()
    picture = torch.zeros(1, 3, 64, 128)
    picture[..., 64:] = images(1, 3, 64, 64)
    with torch.no_grad():
        last = torch.nn.functional.normalize(backbone(picture)[-1][0].flatten(1), dim=0)
    alike = (last.T @ last).reshape(4, 8, 4, 8)
    halves = [alike[:, :4, :, :4].mean(), alike[:, 4:, :, 4:].mean(), alike[:, :4, :, 4:].mean()]
    assert min(halves[:2]) > halves[2] + 0.1
