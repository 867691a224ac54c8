"""Model encryption on the networks that people use: timm's and transformers', tiny and randomly initialised."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
import timm
import torch
from safetensors.torch import save
from torch import Tensor, nn

from tests.models import families
from tests.models.encrypted import CIPHERS, KEYS, encrypt_blocks
from veilseg.errors import InvalidKeyError, InvalidModelError
from veilseg.models import encrypt_model, rekey_model
from veilseg.models.encryption.marks import input_spec
from veilseg.models.encryption.stems import find_patchify

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
TIMM = families.timm_models()
#: Families whose own code takes images of other shapes; the others are square in their libraries.
OBLONG = {*TIMM} - {"beit"} | {
    "beit-hf",
    "upernet-swin",
    "upernet-convnext",
    "mask2former-swin",
    "mask2former-convnext",
}
CASES = [*TIMM, *(f"{name}-hf" if name in TIMM else name for name in families.TRANSFORMERS)]


# A rotation of blocks of 32 x 32 pixels is a matrix of 3072 x 3072, made and inverted in a minute.
PAIRS = [
    pytest.param(name, cipher, marks=[pytest.mark.slow] if (name, cipher) == ("vit32", "patch-rotation") else [])
    for name in CASES
    for cipher in CIPHERS
]


@cache
def network(name: str) -> tuple[nn.Module, int]:
    """(the family's network, the side of the square images that it is made for)."""
    torch.manual_seed(0)
    if name in TIMM:
        architecture, arguments = TIMM[name]
        return families.wake(timm.create_model(architecture, **arguments)), arguments.get("img_size", 64)
    return families.wake(families.TRANSFORMERS[name.removesuffix("-hf")]()), 64


def normalized(pixels: Tensor) -> Tensor:
    return (pixels / 255 - torch.tensor(MEAN)[:, None, None]) / torch.tensor(STD)[:, None, None]


def photos(height: int, width: int) -> Tensor:
    """Two images of coloured tiles with noise, uint8 [2, 3, H, W]: noise alone is the same under every key."""
    generator = torch.Generator().manual_seed(3)
    tiles = torch.randint(0, 200, (2, 3, height // 4 + 1, width // 4 + 1), generator=generator)
    noise = torch.randint(0, 56, (2, 3, height, width), generator=generator)
    large = tiles.repeat_interleave(4, 2).repeat_interleave(4, 3)[..., :height, :width]
    return (large + noise).to(torch.uint8)


def distance(got: list[Tensor], wanted: list[Tensor]) -> float:
    """The mean difference in units of the spread of what is wanted, the worst of all outputs."""
    assert all(bool(w.float().std() > 0.01) for w in wanted), "outputs that say nothing would hide any error"
    pairs = zip(got, wanted, strict=True)
    return max(float((g.float() - w.float()).abs().mean() / w.float().std()) for g, w in pairs)


def same_predictions(got: list[Tensor], wanted: list[Tensor]) -> None:
    """The best class (or query) is the same wherever it leads by more than the logits differ, almost everywhere."""
    for g, w in zip(got, wanted, strict=True):
        best = w.topk(2, dim=1).values
        leads = best[:, 0] - best[:, 1] > 2 * (g - w).abs().max()
        assert leads.float().mean() > 0.99
        assert torch.equal(g.argmax(1)[leads], w.argmax(1)[leads])


def agreement(got: list[Tensor], wanted: list[Tensor]) -> float:
    """The fraction of places with the same best class (or query), the worst of all outputs."""
    return min(float((g.argmax(1) == w.argmax(1)).float().mean()) for g, w in zip(got, wanted, strict=True))


@pytest.mark.parametrize(("name", "cipher"), PAIRS)
@torch.no_grad()
def test_every_family_computes_the_same(name: str, cipher: str) -> None:
    model, side = network(name)
    encrypted_model = encrypt_model(model, KEYS[0], cipher, mean=MEAN, std=STD)
    block = find_patchify(model).kernel_size[0]
    assert input_spec(encrypted_model).block == block
    for size in [(side, side)] + ([(side, 2 * side)] if name in OBLONG else []):
        pixels = photos(*size)
        wanted = families.outputs(model, normalized(pixels))
        got = families.outputs(encrypted_model, encrypt_blocks(pixels, cipher, KEYS[0], block, exact=True))
        assert distance(got, wanted) < 2e-4
        same_predictions(got, wanted)
        wrong = families.outputs(encrypted_model, encrypt_blocks(pixels, cipher, KEYS[1], block, exact=True))
        assert distance(wrong, wanted) > 0.002 + 50 * distance(got, wanted)


@pytest.mark.parametrize(("name", "cipher"), PAIRS)
@torch.no_grad()
def test_bfloat16_is_as_near_as_bfloat16_itself(name: str, cipher: str) -> None:
    """The encrypted model is off from the plain one in bfloat16 by no more than rounding takes that from float32."""
    exact, side = network(name)
    model = network.__wrapped__(name)[0].bfloat16()
    encrypted_model = encrypt_model(model, KEYS[0], cipher, mean=MEAN, std=STD)
    stem = find_patchify(encrypted_model)
    assert stem.weight.dtype == (torch.bfloat16 if cipher == "patch-permutation" else torch.float32)
    pixels = photos(side, side)
    stored = encrypt_blocks(pixels, cipher, KEYS[0], stem.kernel_size[0], exact=True).to(stem.weight.dtype)
    wanted = families.outputs(model, normalized(pixels).bfloat16())
    reference = families.outputs(exact, normalized(pixels))
    got = families.outputs(encrypted_model, stored)
    assert distance(got, wanted) < 3 * distance(wanted, reference) < 0.3
    assert agreement(got, wanted) > agreement(wanted, reference) - 0.1


@pytest.mark.parametrize("name", ["dpt", "beit-hf"])
@torch.no_grad()
def test_interpolated_positions_at_another_size(name: str) -> None:
    model, _ = network(name)
    pixels = photos(96, 96)
    wanted = families.outputs(model, normalized(pixels))
    encrypted_model = encrypt_model(model, KEYS[0], mean=MEAN, std=STD)
    got = families.outputs(encrypted_model, encrypt_blocks(pixels, "patch-permutation", KEYS[0], 16))
    assert distance(got, wanted) < 5e-5


@pytest.mark.parametrize("cipher", CIPHERS)
@pytest.mark.parametrize("name", ["swin", "eomt", "upernet-convnext"])
@torch.no_grad()
def test_rekey_without_the_plain_model(name: str, cipher: str) -> None:
    model, side = network(name)
    encrypted_model = encrypt_model(model, KEYS[0], cipher, mean=MEAN, std=STD)
    moved = rekey_model(encrypted_model, KEYS[0], KEYS[1])
    block = input_spec(moved).block
    assert input_spec(moved).key_fingerprint == KEYS[1].fingerprint
    assert input_spec(encrypted_model).key_fingerprint == KEYS[0].fingerprint
    pixels = photos(side, side)
    got = families.outputs(moved, encrypt_blocks(pixels, cipher, KEYS[1], block, exact=True))
    assert distance(got, families.outputs(model, normalized(pixels))) < 2e-4
    with pytest.raises(InvalidModelError, match=KEYS[0].fingerprint):
        encrypt_model(encrypted_model, KEYS[1], cipher)
    with pytest.raises(InvalidKeyError, match=KEYS[0].fingerprint):
        rekey_model(encrypted_model, KEYS[1], KEYS[0])
    with pytest.raises(InvalidModelError, match="not encrypted"):
        rekey_model(model, KEYS[0], KEYS[1])


@pytest.mark.parametrize("name", CASES)
def test_no_plain_weight_is_left_in_a_saved_file(name: str) -> None:
    """No row of one channel of one patch of the plain embedding stands in the file, in any precision."""
    model, _ = network(name)
    conv = find_patchify(model)
    encrypted_model = encrypt_model(model, KEYS[0], mean=MEAN, std=STD)
    data = save({key: value.clone() for key, value in encrypted_model.state_dict().items()})
    unfolded = save({key: value.clone() for key, value in encrypt_model(model, KEYS[0]).state_dict().items()})
    plain = save({key: value.clone() for key, value in model.state_dict().items()})
    for dtype in (torch.float32, torch.bfloat16, torch.float16):
        pieces = conv.weight.detach().to(dtype).flatten(0, 2).view(torch.uint8).numpy()
        assert all(piece.tobytes() in plain for piece in pieces[:5]) == (dtype == torch.float32)
        assert not any(piece.tobytes() in file for piece in pieces[:200] for file in (data, unfolded))


class Twice(nn.Module):
    """A stem with company: what else may hold its weights."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 4, stride=4)
        self.again = self.stem  # one module under two names
        self.register_buffer("kept", self.stem.weight.detach().clone())

    def forward(self, images: Tensor) -> Tensor:
        return self.stem(images)


def test_copies_of_the_embedding() -> None:
    model: Any = Twice()
    encrypted_model = encrypt_model(model, KEYS[0])
    assert encrypted_model.again is encrypted_model.stem
    assert torch.equal(encrypted_model.kept, encrypted_model.stem.weight)
    assert torch.equal(model.kept, model.stem.weight)
    moved = rekey_model(encrypted_model, KEYS[0], KEYS[1])
    assert torch.equal(moved.kept, moved.stem.weight)
    kept, spread = model.kept.clone(), model.kept.std()
    for other in (
        kept * 1.001,
        -1.5 * kept,
        kept + 0.3 * spread * torch.randn_like(kept),
        kept.reshape(8, -1).T.contiguous(),
        kept.permute(0, 2, 3, 1).contiguous(),
        torch.stack([torch.randn_like(kept), kept * 2]),
        (kept / kept.abs().max() * 127).round().to(torch.int8),
        kept.half()[None] * 1.001,
        kept[torch.randperm(8)],
        torch.cat([torch.randn(100), kept.flatten(), torch.randn(50)]),
        torch.cat([torch.randn(5, 3, 4, 4), 2 * kept]),
        kept.flip(1),
        torch.cat([kept.flatten(1), torch.randn(8, 7)], 1),
        torch.cat([torch.randn(8, 5), 3 * kept.flatten(1)[torch.randperm(8)]], 1),
        torch.cat([kept.flatten(1).T, torch.randn(48, 3)], 1),
        torch.cat([torch.randn(9, 8), kept.flatten(1).T], 0),
        nn.functional.pad(kept.permute(0, 2, 3, 1).flatten(1), (30, 40, 6, 7)) + 1e-3 * torch.randn(21, 118),
        kept[2:5].clone(),
    ):
        model.register_buffer("average", other)
        with pytest.raises(InvalidModelError, match="average"):
            encrypt_model(model, KEYS[0])
    for other in (torch.randn(8, 3, 4, 4), torch.randn(300, 48), torch.randn(90, 90), torch.ones(500, 48)):
        model.average = other
        encrypt_model(model, KEYS[0])
    for hidden in (1.5 * kept, [{"teacher": kept * 2}], (kept * 2).numpy()):
        model.hidden = hidden
        with pytest.raises(InvalidModelError, match="hidden"):
            encrypt_model(model, KEYS[0])


def test_wrappers_and_parts_of_an_encrypted_module_know_what_they_are() -> None:
    encrypted_model = encrypt_model(nn.Sequential(nn.Conv2d(3, 8, 4, stride=4), nn.ReLU()), KEYS[0])
    for module in (nn.Sequential(encrypted_model), encrypted_model[0], nn.ModuleDict({"part": encrypted_model[0]})):
        assert input_spec(module).key_fingerprint == KEYS[0].fingerprint
        with pytest.raises(InvalidModelError, match="encrypted already"):
            encrypt_model(module, KEYS[1])
        assert input_spec(rekey_model(module, KEYS[0], KEYS[1])).key_fingerprint == KEYS[1].fingerprint
