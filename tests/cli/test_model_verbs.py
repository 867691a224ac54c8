"""encrypt-model, rekey-model and export, as the shell runs them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import veilseg
from tests.models.conftest import tiny_conv, tiny_setr
from veilseg.cli.main import main
from veilseg.install import install_hint
from veilseg.keys import Key
from veilseg.modelconfig import ModelConfig
from veilseg.models import encrypt_model, load_model, save_model
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


def test_encrypt_and_change_the_key(keys: list[Key], capsys: pytest.CaptureFixture[str]) -> None:
    model = tiny_setr("naive")
    save_model(model, "source")
    assert main(["encrypt-model", "source", "--key", "my.key", "-o", "encrypted"]) == 0
    assert keys[0].fingerprint in capsys.readouterr().err
    encrypted_model = load_model("encrypted")
    assert encrypted_model.config.input.key_fingerprint == keys[0].fingerprint
    assert main(["rekey-model", "encrypted", "--old", "my.key", "--new", "next.key", "-o", "moved"]) == 0
    assert load_model("moved").config.input.key_fingerprint == keys[1].fingerprint
    assert main(["rekey-model", "encrypted", "--old", "next.key", "--new", "my.key", "-o", "nothing"]) == 1
    assert main(["encrypt-model", "encrypted", "--key", "my.key", "-o", "nothing"]) == 1
    assert not Path("nothing").exists()
    assert "encrypted already" in capsys.readouterr().err


def test_a_key_is_needed_and_nothing_is_replaced(keys: list[Key], capsys: pytest.CaptureFixture[str]) -> None:
    save_model(tiny_conv(), "source")
    assert main(["encrypt-model", "source", "-o", "encrypted"]) == 2
    assert main(["encrypt-model", "source", "--key", "my.key", "-o", "source"]) == 1
    assert "--force" in capsys.readouterr().err
    assert ModelConfig.load("source").input.name == "plain"
    assert main(["encrypt-model", "source", "--key", "my.key", "--block", "16", "-o", "source", "--force"]) == 0
    assert ModelConfig.load("source").input.block == 16


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


def test_export_states_another_working_size(capsys: pytest.CaptureFixture[str]) -> None:
    save_model(tiny_conv(), "run")
    assert main(["export", "run", "-o", "small", "--longer-side", "320"]) == 0
    assert ModelConfig.load("small").longer_side == 320
    assert main(["export", "run", "-o", "run", "--longer-side", "original"]) == 1, "config.json is there"
    assert ModelConfig.load("run").longer_side == 480
    assert main(["export", "run", "-o", "run", "--longer-side", "original", "--force"]) == 0
    assert ModelConfig.load("run").longer_side == 0


def test_export_in_8_bits(capsys: pytest.CaptureFixture[str]) -> None:
    save_model(tiny_conv(), "run")
    assert main(["export", "run", "-o", "small", "--int8", "scenes:2:1"]) == 0
    assert "the same class" in capsys.readouterr().err
    assert Segmenter("small").segment(np.zeros((32, 48, 3), np.uint8)).shape == (32, 48)
    assert main(["export", "run", "-o", "small", "--int8", "scenes:2:1"]) == 1
    assert main(["export", "run", "-o", "split", "--int8", "scenes:2:1", "--split-stem", "16"]) == 0
    assert Path("split/stem.bin").exists()
    assert main(["export", "run", "-o", "other", "--split", "train"]) == 2
    assert not Path("other").exists()


def without_torch(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `veilseg ARGUMENTS...` in a Python in which torch and what comes with it is not installed."""
    code = (
        "import sys\n"
        "from importlib.machinery import PathFinder\n"
        "real, absent = PathFinder.find_spec, ('torch', 'safetensors', 'timm', 'transformers', 'huggingface_hub')\n"
        "def find(name, path=None, target=None):\n"
        "    return None if name.partition('.')[0] in absent else real(name, path, target)\n"
        "PathFinder.find_spec = staticmethod(find)\n"
        "from veilseg.cli.main import main\n"
        "sys.exit(main(sys.argv[1:]))\n"
    )
    return subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, timeout=300)


def test_without_torch_the_exported_form_is_encrypted(keys: list[Key]) -> None:
    done = without_torch("encrypt-model", "plain", "--key", "my.key", "-o", "encrypted")
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert keys[0].fingerprint in done.stderr
    assert sorted(path.name for path in Path("encrypted").iterdir()) == ["config.json", "model.onnx", "stem.bin"]
    done = without_torch("rekey-model", "encrypted", "--old", "my.key", "--new", "next.key", "-o", "moved")
    assert done.returncode == 0, done.stderr
    moved = Segmenter("moved", threads=1)
    assert moved.config.input.key_fingerprint == keys[1].fingerprint
    pixels = torch.randint(0, 256, (64, 96, 3), dtype=torch.uint8).numpy()
    pixels[:32] //= 4
    encrypted = veilseg.cipher("patch-permutation", block=16).encrypt(pixels, keys[1])
    assert (moved.segment(encrypted) == Segmenter("plain", threads=1).segment(pixels)).mean() > 0.999


def test_without_torch_names_and_keys_are_told_first(keys: list[Key]) -> None:
    save_model(tiny_conv(), "source")
    save_model(encrypt_model(tiny_conv(), keys[0]), "encrypted")
    Path("elsewhere").mkdir()
    for arguments, code, words in (
        (["encrypt-model", "nowhere", "--key", "my.key"], 1, "there is no model 'nowhere'"),
        (["encrypt-model", "elsewhere", "--key", "my.key"], 1, "config.json"),
        (["encrypt-model", "source", "--key", "no.key"], 1, "no.key does not exist"),
        (["encrypt-model", "source"], 2, "a key is needed"),
        (["encrypt-model", "source", "--key", "my.key", "--cipher", "mosaic"], 2, "does not encrypt models"),
        (["encrypt-model", "encrypted", "--key", "next.key"], 1, "encrypted already"),
        (["encrypt-model", "default", "--key", "my.key"], 1, "needs no key"),
        (["rekey-model", "encrypted", "--old", "next.key", "--new", "my.key"], 1, keys[0].fingerprint),
        (["rekey-model", "source", "--old", "next.key", "--new", "my.key"], 1, "not encrypted"),
        (["encrypt-model", "source", "--key", "my.key"], 1, install_hint("train")),
    ):
        done = without_torch(*arguments, "-o", "nothing")
        assert done.returncode == code, done.stderr
        assert words in done.stderr
        assert "Traceback" not in done.stderr
    assert not Path("nothing").exists()


def test_a_transformers_folder_without_transformers_names_the_extra(keys: list[Key]) -> None:
    Path("foreign").mkdir()
    Path("foreign/config.json").write_text('{"model_type": "beit"}')
    code = (
        "import sys; sys.modules['transformers'] = None\n"
        "from veilseg.cli.main import main; sys.exit(main(sys.argv[1:]))"
    )
    arguments = ["encrypt-model", "foreign", "--key", "my.key", "-o", "encrypted"]
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, timeout=300)
    assert done.returncode == 1
    assert done.stderr == f"error: this needs the package transformers\nhint: {install_hint('hf')}\n"
