"""An encrypted model says what it is, wherever its weights go: in wrappers, parts, and files that others write."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import timm
import torch
from torch import Tensor, nn

from tests.models import families
from tests.models.conftest import tiny_setr
from tests.models.encrypted import CIPHERS, KEYS
from tests.models.folders import processor
from veilseg.cli.main import main
from veilseg.errors import InvalidModelError
from veilseg.inputspec import InputSpec
from veilseg.keys import Key
from veilseg.models import encrypt_model, load_model
from veilseg.models.encryption.marks import input_spec, write_mark
from veilseg.models.encryption.watermark import LENGTH, marked, read_mark
from veilseg.spec import CipherSpec

SPECS = [InputSpec(CipherSpec(cipher, 16), key.fingerprint) for cipher in CIPHERS for key in KEYS]


class Outer(nn.Module):
    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.inner(pixel_values=images).logits
        return logits


@pytest.mark.parametrize("spec", SPECS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16, torch.float64])
def test_weights_spell_the_cipher_and_the_fingerprint(spec: InputSpec, dtype: torch.dtype) -> None:
    plain = torch.randn(24, 3, 16, 16).to(dtype)
    network = nn.Sequential(nn.Conv2d(3, 24, 16, stride=16).to(dtype))
    assert input_spec(network) == InputSpec()
    network[0].weight = nn.Parameter(plain.clone())
    write_mark(network[0].weight, spec)
    assert input_spec(network) == spec
    changed = network[0].weight.detach() != plain
    assert 0 < changed.sum() <= LENGTH
    step = torch.finfo(dtype).eps
    assert torch.allclose(network[0].weight.double(), plain.double(), rtol=float(step), atol=0)


def test_random_weights_spell_nothing() -> None:
    words = np.random.default_rng(0).integers(-(2**31), 2**31, (2000, LENGTH), dtype=np.int32)
    assert all(read_mark(row, 16) is None for row in words)
    assert read_mark(marked(words[0], SPECS[0]), 16) == SPECS[0]


@pytest.mark.parametrize("wrap", [nn.DataParallel, Outer])
def test_a_wrapped_model_keeps_its_mark_when_its_inside_is_saved(wrap: type, keys: list[Key]) -> None:
    plain = families.wake(families.upernet("convnext"))
    encrypted = encrypt_model(wrap(plain), KEYS[0], processor=processor("upernet-convnext"))
    inner = encrypted.module if wrap is nn.DataParallel else encrypted.inner
    inner.save_pretrained("saved")
    inner.backbone.save_pretrained("part")
    again = type(plain).from_pretrained("saved")  # type: ignore[attr-defined]
    for model in (encrypted, inner, again, type(inner.backbone).from_pretrained("part")):
        assert input_spec(model).key_fingerprint == KEYS[0].fingerprint
    with pytest.raises(InvalidModelError, match="encrypted already"):
        encrypt_model(again, KEYS[1])


def test_our_own_model_in_a_wrapper(keys: list[Key]) -> None:
    encrypted = encrypt_model(nn.DataParallel(tiny_setr("naive", mean=(9.0, 8.0, 7.0))), KEYS[0])
    encrypted.module.save_pretrained("saved")
    assert load_model("saved").config.input.key_fingerprint == KEYS[0].fingerprint


def test_weights_alone_in_a_model_whose_config_says_plain() -> None:
    other = tiny_setr("naive")
    other.load_state_dict(encrypt_model(tiny_setr("naive"), KEYS[0]).state_dict())
    assert other.config.input.name == "plain"
    with pytest.raises(InvalidModelError, match=KEYS[0].fingerprint):
        encrypt_model(other, KEYS[1])


def test_what_timm_saves_by_itself(keys: list[Key], capsys: pytest.CaptureFixture[str]) -> None:
    """No word of ours in config.json: the weights say it, and the statistics are those of raw values."""
    from timm.models import save_for_hf

    small: dict[str, Any] = {"depths": (1, 1, 1, 1), "dims": (8, 8, 12, 12), "num_classes": 5}
    plain = families.wake(timm.create_model("convnext_atto", **small))
    encrypted = encrypt_model(plain, keys[0], mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))
    save_for_hf(encrypted, "source", safe_serialization=True, model_args=small)
    loaded: Any = timm.create_model("local-dir:source", pretrained=True)
    assert loaded.pretrained_cfg["std"] == [1 / 255] * 3
    assert input_spec(loaded).key_fingerprint == keys[0].fingerprint
    assert main(["encrypt-model", "source", "--key", "next.key", "-o", "twice"]) == 1
    assert "encrypted already" in capsys.readouterr().err
    assert main(["rekey-model", "source", "--old", "my.key", "--new", "next.key", "-o", "moved"]) == 0
