"""SETR on timm's ViT: features, sizes, decoders, normalization, timm's own weights."""

from __future__ import annotations

from typing import Any

import pytest
import timm
import torch
import torch.nn.functional as F
from torch import nn

from tests.models.conftest import TINY_VIT, images, tiny_setr
from veilseg.errors import InvalidModelError, UsageError
from veilseg.models import create_model
from veilseg.models.encryption.stems import find_patchify
from veilseg.models.networks.decoders import MLA, PUP, Naive
from veilseg.models.networks.vit import ViTBackbone, even_taps

DECODERS = ["naive", "pup", "mla"]
TINY_ARGUMENTS: dict[str, Any] = {"embed_dim": 48, "depth": 4, "num_heads": 3}


@pytest.mark.parametrize("decoder", DECODERS)
@pytest.mark.parametrize("size", [(64, 64), (48, 112), (16, 16)])
def test_any_size_on_the_grid(decoder, size):
    model = tiny_setr(decoder)
    pixels = images(2, 3, *size)
    with torch.no_grad():
        logits = model(pixels)
        assert logits.shape == (2, 5, *size)
        assert logits.dtype == torch.float32
        assert torch.equal(logits, model(pixels.float()))
        assert torch.allclose(model(pixels[1:]), logits[1:], atol=1e-4)
    assert logits.std() > 1e-3


@pytest.mark.parametrize(("decoder", "heads"), [("naive", 3), ("pup", 3), ("mla", 4)])
def test_forward_train(decoder, heads):
    model = tiny_setr(decoder)
    pixels = images(2, 3, 48, 80)
    logits, auxiliary = model.forward_train(pixels)
    full = F.interpolate(logits, size=(48, 80), mode="bilinear", align_corners=False)
    assert torch.equal(full, model(pixels))
    assert [extra.shape[:2] for extra in auxiliary] == [(2, 5)] * heads
    torch.stack([extra.sum() for extra in (logits, *auxiliary)]).sum().backward()
    assert all(parameter.grad is not None for name, parameter in model.named_parameters() if "cls_token" not in name)


@pytest.mark.parametrize("size", [(30, 64), (64, 0), (8, 16)])
def test_sizes_off_the_grid_are_refused(size):
    with pytest.raises(InvalidModelError, match="multiples of 16"):
        tiny_setr("naive")(torch.zeros(1, 3, *size))
    with pytest.raises(InvalidModelError, match=r"\[N, 3, H, W\]"):
        tiny_setr("naive")(torch.zeros(3, 16, 16))


def test_shallow_backbones_are_tapped_twice():
    assert tiny_setr("mla", depth=2)(images(1, 3, 32, 32)).shape == (1, 5, 32, 32)


def test_taps():
    assert even_taps(12) == (2, 5, 8, 11)
    assert even_taps(24) == (5, 11, 17, 23)
    assert even_taps(4) == (0, 1, 2, 3)
    assert even_taps(2) == (0, 0, 1, 1)
    for decoder, taps in (("naive", (9, 14, 19, 23)), ("pup", (9, 14, 19, 23)), ("mla", (5, 11, 17, 23))):
        with torch.device("meta"):
            large = create_model(f"setr-{decoder}", backbone="vit_large_patch16_384", num_classes=19)
        assert large.config.arguments["taps"] == list(taps)


@pytest.mark.parametrize("name", ["vit_tiny_patch16_224", "deit3_small_patch16_224", "vit_small_patch14_reg4_dinov2"])
def test_features_are_timms(name):
    """On the grid of the position embeddings, the maps are those of timm's own forward_intermediates."""
    size = (56, 112) if "14" in name else (64, 96)
    backbone = ViTBackbone(name, image_size=size, arguments=TINY_ARGUMENTS).eval()
    vit: Any = timm.create_model(name, num_classes=0, img_size=size, **TINY_ARGUMENTS)
    vit.load_state_dict(backbone.vit.state_dict(), strict=False)
    pixels = images(2, 3, *size).float()
    with torch.no_grad():
        wanted = vit.eval().forward_intermediates(pixels, indices=[0, 1, 2, 3], intermediates_only=True)
        for got, expected in zip(backbone(pixels), wanted, strict=True):
            assert torch.allclose(got, expected, atol=1e-4)


def test_statistics_are_folded():
    """Raw pixels into our stem give what normalized pixels give in timm's."""
    mean, std = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)
    torch.manual_seed(3)
    backbone = ViTBackbone("vit_tiny_patch16_224", image_size=(64, 64), mean=mean, std=std, arguments=TINY_ARGUMENTS)
    torch.manual_seed(3)
    vit: Any = timm.create_model("vit_tiny_patch16_224", num_classes=0, global_pool="", img_size=64, **TINY_ARGUMENTS)
    pixels = images(2, 3, 64, 64).float()
    normalized = (pixels - torch.tensor(mean)[:, None, None]) / torch.tensor(std)[:, None, None]
    with torch.no_grad():
        assert torch.allclose(backbone.stem(pixels), vit.patch_embed.proj(normalized), atol=1e-5)
    assert backbone.normalize.folded


def test_unfold_and_fold_again():
    model = tiny_setr("naive", mean=(120.0, 110.0, 100.0), std=(60.0, 50.0, 40.0))
    stem, pixels = find_patchify(model), images(1, 3, 64, 64)
    before, weight = model(pixels), stem.weight.detach().clone()
    model.unfold_normalization()
    assert torch.allclose(stem.weight[:, 1], weight[:, 1] * 50, rtol=1e-5)
    assert torch.allclose(model(pixels), before, atol=1e-4)
    # A state dict is true about itself: unfolded weights come with their statistics.
    other = tiny_setr("naive", mean=(120.0, 110.0, 100.0), std=(60.0, 50.0, 40.0))
    other.load_state_dict(model.state_dict())
    assert torch.equal(other(pixels), model(pixels))
    model.fold_normalization()
    assert torch.allclose(stem.weight, weight, rtol=1e-5)
    assert torch.allclose(model(pixels), before, atol=1e-4)
    model.train()
    with pytest.warns(UserWarning, match="unfold_normalization"):
        model.forward_train(images(2, 3, 64, 64))


def test_position_embeddings_are_interpolated():
    """A linear ramp of positions stays a ramp on a finer grid (away from the border)."""
    backbone = ViTBackbone("vit_tiny_patch16_224", image_size=(64, 64), arguments=TINY_ARGUMENTS).eval()
    ramp = torch.arange(4.0).repeat(4)
    with torch.no_grad():
        backbone.vit.pos_embed[:, 1:] = ramp[None, :, None]
    tokens = backbone._add_positions(torch.zeros(1, 8 * 8, 48), 8, 8)[0, 1:, 0].reshape(8, 8)
    assert torch.allclose(tokens[3, 1:-1], torch.arange(0.25, 3.0, 0.5), atol=1e-6)


def count(module: nn.Module, kernel: int) -> list[tuple[int, int]]:
    convs = [m for m in module.modules() if isinstance(m, nn.Conv2d) and m.kernel_size == (kernel, kernel)]
    assert all(m.bias is None or m.out_channels == 19 for m in convs)
    return [(m.in_channels, m.out_channels) for m in convs]


def test_layers_are_those_of_openmmlab():
    naive, pup, mla = Naive(768, 19, 4), PUP(768, 19, 4), MLA(768, 19, 4)
    assert count(naive.head, 1) == [(768, 256), (256, 19)]
    assert count(naive.head, 3) == []
    assert count(pup.head, 3) == [(768, 256), (256, 256), (256, 256), (256, 256)]
    assert count(pup.head, 1) == [(256, 19)]
    assert [count(head, 3) for head in pup.auxiliary_heads] == [[(768, 256)]] * 3
    assert count(mla.reduce, 1) == [(768, 256)] * 4
    assert count(mla.extract, 3) == [(256, 256)] * 4
    assert count(mla.refine, 3) == [(256, 128), (128, 128)] * 4
    assert count(mla.classify, 1) == [(512, 19)]
    assert count(mla.auxiliary_heads, 1) == [(256, 19)] * 4
    maps = [torch.randn(1, 768, 3, 5) for _ in range(4)]
    assert naive(maps).shape == (1, 19, 12, 20)
    assert pup(maps).shape == (1, 19, 48, 80)
    assert mla(maps).shape == (1, 19, 12, 20)


def test_mla_written_out():
    """MLA against its description, written down once more with plain functions."""
    mla = MLA(12, 5, 4, channels=8).eval()

    def block(x, part):
        return F.relu(part[1](part[0](x)))

    maps = [torch.randn(2, 12, 4, 6) for _ in range(4)]
    normed = [((x - x.mean(1, keepdim=True)) / (x.var(1, unbiased=False, keepdim=True) + 1e-6).sqrt()) for x in maps]
    p2, p3, p4, p5 = (block(x, part) for x, part in zip(normed, mla.reduce, strict=True))
    sums = [p5, p5 + p4, p5 + p4 + p3, p5 + p4 + p3 + p2]
    levels = [block(x, part) for x, part in zip(sums, mla.extract, strict=True)]
    refine: Any = mla.refine
    fine = [block(block(x, parts[0]), parts[1]) for x, parts in zip(levels, refine, strict=True)]
    fine = [F.interpolate(x, size=(16, 24), mode="bilinear", align_corners=False) for x in fine]
    assert torch.allclose(mla(maps), mla.classify(torch.cat(fine, 1)), atol=1e-5)


def test_pretrained_is_timms_path(monkeypatch):
    calls = []
    real = timm.create_model

    def fake(name, pretrained=False, **options):
        calls.append((name, pretrained, options))
        return real(name, pretrained=False, **options, **TINY_ARGUMENTS)

    monkeypatch.setattr(timm, "create_model", fake)
    model = create_model(
        "setr-mla", backbone="vit_base_patch16_384", num_classes=19, image_size=(64, 128), pretrained=True
    )
    assert calls == [("vit_base_patch16_384", True, {"num_classes": 0, "global_pool": "", "img_size": (64, 128)})]
    assert "pretrained" not in model.config.arguments
    assert model.config.arguments["mean"] == [127.5] * 3
    assert model.config.arguments["image_size"] == [64, 128]


@pytest.mark.parametrize("name", ["vit_base_patch16_384", "vit_large_patch16_384"])
@pytest.mark.slow
def test_real_sizes_run(name):
    model = create_model("setr-mla", backbone=name, num_classes=19).eval()
    with torch.inference_mode():
        assert model(images(1, 3, 32, 48)).shape == (1, 19, 32, 48)


@pytest.mark.parametrize(
    "options",
    [
        {"backbone": "vit_of_my_dreams"},
        {"backbone": "hf-hub:someone/something"},
        {"backbone": "resnet18"},
        {"backbone": "vit_small_r26_s32_224"},
        {"checkpoint_path": "/tmp/x.pth"},
        {"taps": (0, 9)},
        {"taps": (2, 1)},
    ],
)
def test_what_does_not_fit_is_refused(options):
    with pytest.raises(UsageError) as caught:
        create_model("setr-naive", num_classes=5, **{**TINY_VIT, **options})
    assert caught.value.hint
