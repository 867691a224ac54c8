"""FCN: torchvision's own network around raw pixels."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests.models.conftest import images
from veilseg.errors import InvalidModel, UsageError
from veilseg.keys import Key
from veilseg.models import create_model, encrypt_model, load_model, save_model


@torch.no_grad()
def test_it_is_torchvisions(tmp_path: Path) -> None:
    model = create_model("fcn", num_classes=5, mean=(100.0, 110.0, 120.0), std=(50.0, 60.0, 70.0)).eval()
    pixels = images(2, 3, 32, 48)
    normal = (pixels - torch.tensor([100.0, 110, 120])[:, None, None]) / torch.tensor([50.0, 60, 70])[:, None, None]
    wanted = model.network.fcn(normal)
    assert wanted["out"].shape == (2, 5, 32, 48)
    assert torch.allclose(model(pixels), wanted["out"], atol=1e-5)
    logits, (auxiliary,) = model.forward_train(pixels)
    assert torch.allclose(logits, wanted["out"], atol=1e-5)
    assert torch.allclose(auxiliary, wanted["aux"], atol=1e-5)
    save_model(model, tmp_path / "fcn")
    assert torch.equal(load_model(tmp_path / "fcn")(pixels), model(pixels))
    assert model.config.size_multiple == 8
    with pytest.raises(InvalidModel, match="neighbouring blocks"):
        encrypt_model(model, Key.generate())
    with pytest.raises(UsageError, match="no backbone"):
        create_model("fcn", num_classes=5, backbone="vgg16")
