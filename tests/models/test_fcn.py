"""FCN: torchvision's own network around raw pixels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from tests.models.conftest import images
from veilseg import cipher
from veilseg.errors import InvalidModelError, UsageError
from veilseg.keys import Key
from veilseg.models import create_model, encrypt_model, load_model, rekey_model, save_model
from veilseg.spec import CipherSpec


@torch.no_grad()
def test_the_small_one_keeps_a_sixteenth() -> None:
    model = create_model("fcn", num_classes=5, backbone="resnet18").eval()
    network: Any = model.network
    maps = network.fcn.backbone(images(1, 3, 64, 96).float())
    assert {name: tuple(m.shape) for name, m in maps.items()} == {"aux": (1, 256, 4, 6), "out": (1, 512, 4, 6)}
    assert model(images(1, 3, 64, 96)).shape == (1, 5, 64, 96)
    logits, (auxiliary,) = model.forward_train(images(1, 3, 64, 96))
    assert logits.shape == auxiliary.shape == (1, 5, 64, 96)


@torch.no_grad()
def test_it_is_torchvisions(tmp_path: Path) -> None:
    model = create_model("fcn", num_classes=5, mean=(100.0, 110.0, 120.0), std=(50.0, 60.0, 70.0)).eval()
    pixels = images(2, 3, 32, 48)
    normal = (pixels - torch.tensor([100.0, 110, 120])[:, None, None]) / torch.tensor([50.0, 60, 70])[:, None, None]
    network: Any = model.network
    wanted = network.fcn(normal)
    assert wanted["out"].shape == (2, 5, 32, 48)
    assert torch.allclose(model(pixels), wanted["out"], atol=1e-5)
    logits, (auxiliary,) = model.forward_train(pixels)
    assert torch.allclose(logits, wanted["out"], atol=1e-5)
    assert torch.allclose(auxiliary, wanted["aux"], atol=1e-5)
    save_model(model, tmp_path / "fcn")
    assert torch.equal(load_model(tmp_path / "fcn")(pixels), model(pixels))
    assert model.config.size_multiple == 8
    with pytest.raises(InvalidModelError, match="neighbouring blocks"):
        encrypt_model(model, Key.generate())
    with pytest.raises(UsageError, match="no backbone"):
        create_model("fcn", num_classes=5, backbone="vgg16")


def test_input_under_a_conventional_cipher(tmp_path: Path) -> None:
    key = Key.generate()
    model = create_model("fcn", num_classes=5, backbone="resnet18", input="ffx", block=4, key=key)
    assert model.config.input.encryption == CipherSpec("ffx", 4)
    assert model.config.input.key_fingerprint == key.fingerprint
    assert model.config.size_multiple == 8
    save_model(model, tmp_path / "ffx")
    network: Any = load_model(tmp_path / "ffx").network
    assert network.normalize.std.tolist() == [cipher("ffx").stored_maximum(key)] * 3
    with pytest.raises(UsageError, match="for one key"):
        create_model("fcn", num_classes=5, input="shf")
    with pytest.raises(InvalidModelError, match="no key built in"):
        encrypt_model(model, key)
    with pytest.raises(InvalidModelError, match="trained for its key"):
        rekey_model(model, key, Key.generate())
