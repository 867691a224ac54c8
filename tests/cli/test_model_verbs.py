"""encrypt-model, rekey-model and export, as the shell runs them."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests.models.conftest import tiny_conv, tiny_setr
from veilseg.cli.main import main
from veilseg.keys import Key
from veilseg.models import load_model, save_model
from veilseg.modelspec import ModelConfig
from veilseg.runtime import Segmenter


@pytest.fixture
def keys(tmp_path: Path) -> list[Key]:
    made = [Key.generate(), Key.generate()]
    for key, name in zip(made, ("my.key", "next.key"), strict=True):
        key.save(tmp_path / name)
    return made


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("VEILSEG_KEY_FILE", raising=False)


def test_lock_and_change_the_key(keys: list[Key], capsys: pytest.CaptureFixture[str]) -> None:
    model = tiny_setr("naive")
    save_model(model, "plain")
    assert main(["encrypt-model", "plain", "--key", "my.key", "-o", "locked"]) == 0
    assert keys[0].fingerprint in capsys.readouterr().err
    locked = load_model("locked")
    assert locked.config.input.key_fingerprint == keys[0].fingerprint
    assert main(["rekey-model", "locked", "--old", "my.key", "--new", "next.key", "-o", "moved"]) == 0
    assert load_model("moved").config.input.key_fingerprint == keys[1].fingerprint
    assert main(["rekey-model", "locked", "--old", "next.key", "--new", "my.key", "-o", "nothing"]) == 1
    assert main(["encrypt-model", "locked", "--key", "my.key", "-o", "nothing"]) == 1
    assert not Path("nothing").exists()
    assert "encrypted already" in capsys.readouterr().err


def test_a_key_is_needed_and_nothing_is_replaced(keys: list[Key], capsys: pytest.CaptureFixture[str]) -> None:
    save_model(tiny_conv(), "plain")
    assert main(["encrypt-model", "plain", "-o", "locked"]) == 2
    assert main(["encrypt-model", "plain", "--key", "my.key", "-o", "plain"]) == 1
    assert "--force" in capsys.readouterr().err
    assert ModelConfig.load("plain").input.cipher == "plain"
    assert main(["encrypt-model", "plain", "--key", "my.key", "--block", "16", "-o", "plain", "--force"]) == 0
    assert ModelConfig.load("plain").input.block == 16


def test_export_beside_the_model(capsys: pytest.CaptureFixture[str]) -> None:
    model = tiny_conv(patch=8)
    save_model(model, "run")
    assert main(["export", "run", "-o", "run"]) == 0
    assert main(["export", "run", "-o", "run"]) == 1
    assert main(["export", "run", "-o", "run", "--split-stem", "16"]) == 2
    image = torch.randint(0, 256, (32, 48, 3), dtype=torch.uint8).numpy()
    onnx, torch_labels = Segmenter("run"), Segmenter("run", engine="torch").segment(image)
    assert onnx.engine.name == "onnx"
    assert (onnx.segment(image) == torch_labels).mean() > 0.999
    assert sorted(path.name for path in Path("run").iterdir()) == ["config.json", "model.onnx", "model.safetensors"]
