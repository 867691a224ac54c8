"""Folders of timm: encrypted by the command, loaded by timm."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import timm
import torch

from tests.models import families
from tests.models.folders import photo, stored
from veilseg import ciphers
from veilseg.cli.main import main
from veilseg.keys import Key


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
