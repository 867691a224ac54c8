"""Domain adaptation: training on encrypted images from an encrypted start is the plain run permuted.

In float64: AdamW divides small gradients by themselves, so that in float32 rounding alone parts two runs in ten steps.
"""

from __future__ import annotations

from typing import Any

import pytest
import timm
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.models.conftest import tiny_setr
from tests.models.encrypted import KEYS, encrypt_blocks
from veilseg.ciphers import cipher
from veilseg.models import SegmentationModel, encrypt_model
from veilseg.models.encryption.stems import find_patchify

STEPS = 12


def scenes(step: int) -> tuple[Tensor, Tensor]:
    """Images uint8 [2, 3, 32, 48] with labels [2, 32, 48] that can be learned: light tiles are class 1."""
    generator = torch.Generator().manual_seed(100 + step)
    tiles = torch.randint(0, 2, (2, 1, 4, 6), generator=generator).repeat_interleave(8, 2).repeat_interleave(8, 3)
    noise = torch.randint(0, 90, (2, 3, 32, 48), generator=generator)
    return (130 * tiles + noise).to(torch.uint8), tiles[:, 0]


def augment(images: Tensor, labels: Tensor, step: int) -> tuple[Tensor, Tensor]:
    """Flip and brighten, the same in both runs."""
    if step % 2:
        images, labels = images.flip(-1), labels.flip(-1)
    return (images.float() * (0.7 + 0.05 * (step % 6))).round().to(torch.uint8), labels


def train(model: nn.Module, *, encrypted: bool, late: bool = False) -> list[float]:
    """Losses of a plain torch loop with AdamW; `late` augments after encryption, which is the mistake."""
    torch.manual_seed(1)
    model.train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.05)
    losses = []
    for step in range(STEPS):
        images, labels = scenes(step)
        if not late:
            images, labels = augment(images, labels, step)
        if encrypted:
            images = encrypt_blocks(images, "patch-permutation", KEYS[0], 16).to(torch.uint8)
        if late:
            images, labels = augment(images, labels, step)
        scores = (
            model.forward_train(images)[0]
            if isinstance(model, SegmentationModel)
            else model(images.double() / 127.5 - 1)
        )
        if scores.ndim == 2:
            loss = F.cross_entropy(scores, labels.flatten(1).sum(1) % 5)
        else:
            loss = F.cross_entropy(F.interpolate(scores, size=labels.shape[-2:], mode="bilinear"), labels)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)  # a norm over all weights, blind to their order
        optimizer.step()
        losses.append(loss.item())
    return losses


def networks(kind: str) -> tuple[nn.Module, nn.Module]:
    """(plain, encrypted) with one normalization for all channels, which commutes with a permutation."""
    if kind == "timm":
        size: dict[str, Any] = {"embed_dim": 24, "depth": 2, "num_heads": 2, "img_size": (32, 48), "num_classes": 5}
        plain: nn.Module = timm.create_model("vit_tiny_patch16_224", **size).double()
        return plain, encrypt_model(plain, KEYS[0])
    plain = tiny_setr(kind, image_size=(32, 48), mean=(127.5,) * 3, std=(127.5,) * 3).double()
    encrypted_model = encrypt_model(plain, KEYS[0])
    for model in (plain, encrypted_model):
        model.unfold_normalization()
    return plain, encrypted_model


@pytest.mark.parametrize("kind", ["timm", "naive", "mla"])
def test_the_encrypted_run_follows_the_plain_one(kind: str) -> None:
    plain, encrypted_model = networks(kind)
    start = find_patchify(plain).weight.detach().clone()
    wanted, got = train(plain, encrypted=False), train(encrypted_model, encrypted=True)
    assert got == pytest.approx(wanted, rel=1e-6)
    if kind != "timm":
        assert wanted[-1] < 0.8 * wanted[0], "a run that learns nothing would prove nothing"
    order = torch.tensor(cipher("patch-permutation").block_order(KEYS[0]))
    weights, moved = dict(plain.named_parameters()), dict(encrypted_model.named_parameters())
    stem = next(name for name, value in weights.items() if value is find_patchify(plain).weight)
    assert (weights[stem] - start).abs().max() > 5e-3
    for name, value in weights.items():
        expected = value.flatten(1)[:, order].reshape(value.shape) if name == stem else value
        assert torch.allclose(moved[name], expected, atol=1e-6), name
    assert not torch.allclose(moved[stem], weights[stem], atol=1e-3)


def test_augmentation_after_encryption_is_another_run() -> None:
    plain, encrypted_model = networks("naive")
    wanted = train(plain, encrypted=False)
    late = train(encrypted_model, encrypted=True, late=True)
    assert max(abs(a - b) for a, b in zip(wanted, late, strict=True)) > 0.05
