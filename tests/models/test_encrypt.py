"""Model encryption [Kiya 2022] against an independent computation: plain NumPy products, block by block."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import timm
import torch
from torch import nn

from tests.models.conftest import images, normalize_of, tiny_conv, tiny_setr
from tests.models.encrypted import CIPHERS, KEYS, encrypt_blocks, same
from veilseg.ciphers import cipher as make_cipher
from veilseg.errors import InvalidKeyError, InvalidModelError, UsageError
from veilseg.models import SegmentationModel, encrypt_model, rekey_model
from veilseg.models.encryption.marks import input_spec
from veilseg.models.encryption.stems import find_patchify
from veilseg.models.encryption.watermark import LENGTH


@pytest.mark.parametrize("cipher", CIPHERS)
@pytest.mark.parametrize("decoder", ["naive", "pup", "mla"])
@pytest.mark.parametrize("size", [(64, 64), (32, 80)])
@torch.no_grad()
def test_encrypted_images_give_the_plain_predictions(cipher, decoder, size):
    model = tiny_setr(decoder, mean=(123.675, 116.28, 103.53), std=(58.395, 57.12, 57.375))
    before = copy.deepcopy(model.state_dict())
    encrypted_model = encrypt_model(model, KEYS[0], cipher)
    pixels = images(2, 3, *size)
    wanted = model(pixels)
    # Rotated values are around 32768, where float32 has steps of 1/256.
    tolerance = 2e-4 if cipher == "patch-permutation" else 1e-3
    same(encrypted_model(encrypt_blocks(pixels, cipher, KEYS[0], 16, exact=True)), wanted, tolerance)
    stored = encrypted_model(encrypt_blocks(pixels, cipher, KEYS[0], 16))
    assert (stored.argmax(1) == wanted.argmax(1)).float().mean() > 0.999  # what 16 bits cost
    # With another key, or without encryption, the model is of no use.
    for wrong in (encrypt_blocks(pixels, cipher, KEYS[1], 16), pixels.float()):
        assert (encrypted_model(wrong) - wanted).abs().mean() > 0.2 * wanted.std()
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert encrypted_model.config.input.name == cipher
    assert encrypted_model.config.input.key_fingerprint == KEYS[0].fingerprint
    assert model.config.input.name == "plain"


@torch.no_grad()
def test_the_formula_of_the_paper():
    """W_hat = W.reshape(D, L)[:, l], bias untouched."""
    model = tiny_setr("naive")
    stem, encrypted_model = find_patchify(model), find_patchify(encrypt_model(model, KEYS[0]))
    order = make_cipher("patch-permutation").block_order(KEYS[0])
    got, wanted = encrypted_model.weight.numpy().reshape(48, -1), stem.weight.numpy().reshape(48, -1)[:, order]
    assert np.allclose(got, wanted, rtol=2e-7, atol=0), "one rounding step"
    assert (got != wanted).sum() <= LENGTH, "where the mark is"
    assert stem.bias is not None
    assert encrypted_model.bias is not None
    assert torch.equal(encrypted_model.bias, stem.bias)


@pytest.mark.parametrize("cipher", CIPHERS)
@torch.no_grad()
def test_encrypts_what_the_ciphers_write(cipher):
    model = tiny_setr("mla")
    photo = np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8)
    encrypted = make_cipher(cipher, block=16).encrypt(photo, KEYS[0])
    stored = torch.from_numpy(np.asarray(encrypted).astype(np.float32)).permute(2, 0, 1)[None]
    plain = model(torch.from_numpy(photo).permute(2, 0, 1)[None])
    encrypted_model = encrypt_model(model, KEYS[0], cipher)
    assert (encrypted_model(stored).argmax(1) == plain.argmax(1)).float().mean() > 0.999
    encrypted_model.config.input.check(encrypted.header)


@pytest.mark.parametrize("cipher", CIPHERS)
@pytest.mark.parametrize("block", [4, 8, 16])
@torch.no_grad()
def test_wider_blocks_than_the_patch(cipher, block):
    model = tiny_conv(patch=4)
    encrypted_model = encrypt_model(model, KEYS[0], cipher, block)
    pixels = images(2, 3, 32, 48)
    same(encrypted_model(encrypt_blocks(pixels, cipher, KEYS[0], block, exact=True)), model(pixels))
    assert encrypted_model.config.size_multiple == block
    assert encrypted_model.config.input.block == block
    assert model.config.size_multiple == 4
    assert "widened_block" not in model.config.arguments


def test_the_block_by_default():
    assert encrypt_model(tiny_conv(patch=4), KEYS[0]).config.input.block == 16
    assert encrypt_model(tiny_conv(patch=4), KEYS[0], block=8).config.input.block == 8
    assert encrypt_model(tiny_setr("naive", patch_size=8), KEYS[0]).config.input.block == 8


@pytest.mark.parametrize("cipher", CIPHERS)
@torch.no_grad()
def test_rekey(cipher):
    model = tiny_setr("naive")
    encrypted_model = encrypt_model(model, KEYS[0], cipher)
    moved = rekey_model(encrypted_model, KEYS[0], KEYS[1])
    pixels = images(2, 3, 48, 64)
    same(moved(encrypt_blocks(pixels, cipher, KEYS[1], 16, exact=True)), model(pixels))
    assert moved.config.input.key_fingerprint == KEYS[1].fingerprint
    assert encrypted_model.config.input.key_fingerprint == KEYS[0].fingerprint
    if cipher == "patch-permutation":
        direct = find_patchify(encrypt_model(model, KEYS[1])).weight
        assert torch.allclose(find_patchify(moved).weight, direct, rtol=3e-7, atol=0)


def test_refusals():
    model = tiny_setr("naive")
    encrypted_model = encrypt_model(model, KEYS[0])
    with pytest.raises(InvalidModelError, match="encrypted already"):
        encrypt_model(encrypted_model, KEYS[1])
    with pytest.raises(InvalidKeyError, match=KEYS[0].fingerprint):
        rekey_model(encrypted_model, KEYS[1], KEYS[0])
    with pytest.raises(InvalidModelError, match="not encrypted"):
        rekey_model(model, KEYS[0], KEYS[1])
    with pytest.raises(InvalidModelError, match="needs no key"):
        encrypt_model(tiny_conv(input="canonical"), KEYS[0])
    with pytest.raises(UsageError):
        encrypt_model(model, KEYS[0], "mosaic")
    with pytest.raises(UsageError, match="by itself"):
        encrypt_model(model, KEYS[0], mean=(0.5, 0.5, 0.5))
    for block in (8, 32, 20):
        with pytest.raises(InvalidModelError, match="16 pixels"):
            encrypt_model(model, KEYS[0], block=block)
    with pytest.raises(InvalidModelError, match="4 pixels"):
        encrypt_model(tiny_conv(patch=4), KEYS[0], block=6)


@pytest.mark.parametrize(
    "stem",
    [
        nn.Conv2d(3, 8, 7, stride=4, padding=3),
        nn.Conv2d(3, 8, 4, stride=2),
        nn.Conv2d(3, 8, 4, stride=4, padding=1),
        nn.Conv2d(3, 8, 4, stride=4, dilation=2),
        nn.Conv2d(1, 8, 4, stride=4),
        nn.Flatten(),
    ],
)
def test_other_stems_are_refused_with_the_reason(stem):
    with pytest.raises(InvalidModelError) as caught:
        encrypt_model(nn.Sequential(stem), KEYS[0])
    assert "patchify" in str(caught.value)


@pytest.mark.parametrize("cipher", CIPHERS)
@torch.no_grad()
def test_foreign_modules(cipher):
    """A timm network as it is, with the statistics that its images were normalized by."""
    model = timm.create_model("convnext_atto", num_classes=5, depths=(1, 1, 1, 1), dims=(8, 8, 8, 8)).eval()
    head: Any = model.head
    head.fc.weight.mul_(50)
    mean, std = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    pixels = images(3, 3, 64, 96)
    normalized = (pixels / 255 - torch.tensor(mean)[:, None, None]) / torch.tensor(std)[:, None, None]
    encrypted_model = encrypt_model(model, KEYS[0], cipher, mean=mean, std=std)
    wanted = model(normalized)
    got = encrypted_model(encrypt_blocks(pixels, cipher, KEYS[0], 4, exact=True))
    assert wanted.std() > 0.01
    assert torch.allclose(got, wanted, atol=2e-3 * float(wanted.std()))
    assert input_spec(encrypted_model).key_fingerprint == KEYS[0].fingerprint
    with pytest.raises(InvalidModelError, match="encrypted already"):
        encrypt_model(encrypted_model, KEYS[0], cipher)
    moved = rekey_model(encrypted_model, KEYS[0], KEYS[1])
    got = moved(encrypt_blocks(pixels, cipher, KEYS[1], 4, exact=True))
    assert torch.allclose(got, wanted, atol=5e-3 * float(wanted.std()))


@torch.no_grad()
def test_stem_without_bias():
    model = nn.Sequential(nn.Conv2d(3, 8, 4, stride=4, bias=False))
    pixels = images(1, 3, 8, 8)
    assert encrypt_model(model, KEYS[0])[0].bias is None
    rotated = encrypt_model(model, KEYS[0], "patch-rotation")
    got = rotated(encrypt_blocks(pixels, "patch-rotation", KEYS[0], 4, exact=True))
    assert torch.allclose(got, model(pixels.float()), atol=0.05)


@torch.no_grad()
def test_unfolded_models_are_folded_first():
    model = tiny_setr("naive", mean=(120.0, 110.0, 100.0), std=(60.0, 50.0, 40.0))
    model.unfold_normalization()
    encrypted_model = encrypt_model(model, KEYS[0])
    assert isinstance(encrypted_model, SegmentationModel)
    assert normalize_of(encrypted_model).folded
    pixels = images(1, 3, 32, 32)
    same(encrypted_model(encrypt_blocks(pixels, "patch-permutation", KEYS[0], 16)), model(pixels))
    with pytest.raises(InvalidModelError, match="mixes channels"):
        encrypted_model.unfold_normalization()


@torch.no_grad()
def test_training_an_encrypted_model_with_even_statistics():
    """With one mean and std for all channels a permutation commutes with normalization ([Kiya 2022], fine-tuning)."""
    encrypted_model = encrypt_model(tiny_setr("naive"), KEYS[0])
    pixels = images(1, 3, 32, 32)
    wanted = encrypted_model(pixels)
    encrypted_model.unfold_normalization()
    assert not normalize_of(encrypted_model).folded
    assert torch.allclose(encrypted_model(pixels), wanted, atol=1e-3)
