"""Folders of timm: encrypted by the command, loaded by timm."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import timm
import torch

from tests.models import families
from tests.models.folders import photo, stored
from veilseg import ciphers
from veilseg.cli.main import main
from veilseg.errors import InvalidImageError, InvalidModelError
from veilseg.keys import Key
from veilseg.runtime import Segmenter


@torch.no_grad()
def test_timm_folders(keys: list[Key], capsys: pytest.CaptureFixture[str]) -> None:
    from PIL import Image
    from timm.data.config import resolve_model_data_config
    from timm.data.transforms_factory import create_transform
    from timm.models import save_for_hf

    plain = families.wake(timm.create_model("convnext_atto", depths=(1, 1, 1, 1), dims=(8, 8, 12, 12), num_classes=5))
    save_for_hf(plain, "source", safe_serialization=True)
    assert main(["encrypt-model", "source", "--key", "my.key", "-o", "encrypted"]) == 0
    assert main(["rekey-model", "encrypted", "--old", "my.key", "--new", "next.key", "-o", "moved"]) == 0
    image = Image.fromarray(photo(64, 96))
    wanted = plain(create_transform(**{**resolve_model_data_config(plain), "input_size": (3, 64, 96)})(image)[None])
    transform = create_transform(**{**resolve_model_data_config(plain), "input_size": (3, 64, 96)})
    resized = np.asarray(transform.transforms[1](transform.transforms[0](image)))
    for folder, key in (("encrypted", keys[0]), ("moved", keys[1])):
        encrypted_model = timm.create_model(f"local-dir:{folder}", pretrained=True).eval()
        encrypted = ciphers.cipher("patch-permutation", block=4).encrypt(resized, key)
        # timm's own statistics for the encrypted model give raw values: nobody normalizes twice.
        data = resolve_model_data_config(encrypted_model)
        fraction = stored(encrypted) / 255
        raw = (fraction - torch.tensor(data["mean"])[:, None, None]) / torch.tensor(data["std"])[:, None, None]
        assert torch.allclose(raw, stored(encrypted))
        assert (encrypted_model(raw) - wanted).abs().max() < 1e-4 * wanted.std()
        assert json.loads(Path(folder, "config.json").read_text())["veilseg"]["key_fingerprint"] == key.fingerprint
    capsys.readouterr()
    assert main(["encrypt-model", "encrypted", "--key", "my.key", "-o", "no"]) == 1
    assert "encrypted already" in capsys.readouterr().err
    assert main(["rekey-model", "encrypted", "--old", "next.key", "--new", "my.key", "-o", "no"]) == 1


@torch.no_grad()
@pytest.mark.parametrize("name", ["vit", "deit", "swin", "convnext"])
def test_segmenter_runs_classifiers_of_timm(name: str, keys: list[Key]) -> None:
    """The map of an encrypted network is that of the plain one; averages of it are the classifier's own answer."""
    from timm.models import save_for_hf

    kind, options = families.timm_models()[name]
    plain: Any = families.wake(timm.create_model(kind, **options))
    save_for_hf(plain, "source", safe_serialization=True, model_args=options)
    assert main(["encrypt-model", "source", "--key", "my.key", "-o", "encrypted"]) == 0
    segmenter, locked = Segmenter("source"), Segmenter("encrypted")
    assert segmenter.classes == locked.classes == tuple(f"class {index}" for index in range(families.CLASSES))
    image = segmenter.to_working_size(photo())
    encryption = locked.config.input.encryption
    assert encryption is not None
    encrypted = ciphers.cipher_for(encryption).encrypt(image, keys[0], longer_side=0)
    labels = segmenter.segment(image)
    assert len(np.unique(labels)) > 1
    assert np.mean(labels == locked.segment(encrypted)) > 0.999
    with pytest.raises(InvalidImageError):
        locked.segment(image)
    if name == "swin":  # which averages its features before a linear head
        coarse = segmenter.engine._model.network  # type: ignore[attr-defined]
        pixels = torch.from_numpy(np.asarray(image, np.float32)).permute(2, 0, 1)[None]
        features = coarse.model.forward_features(pixels)
        assert torch.allclose(coarse.model.head.fc(features).mean((1, 2)), coarse.model(pixels), atol=1e-4)
        maps = torch.nn.functional.interpolate(
            coarse.model.head.fc(features).permute(0, 3, 1, 2), image.shape[:2], mode="bilinear"
        )
        assert np.abs(segmenter.logits(image) - maps[0].numpy()).max() < 1e-4


def test_more_classes_than_a_map_holds(tmp_path: Path) -> None:
    from timm.models import save_for_hf

    source = tmp_path / "source"
    options: dict[str, Any] = {"depths": (1, 1, 1, 1), "dims": (8, 8, 12, 12), "num_classes": 300}
    save_for_hf(timm.create_model("convnext_atto", **options), str(source), safe_serialization=True, model_args=options)
    with pytest.raises(InvalidModelError, match="300 classes"):
        Segmenter(source)
    with pytest.raises(InvalidModelError, match="runs in torch"):
        Segmenter(source, engine="onnx")
