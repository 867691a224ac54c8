"""`veilseg evaluate` as a person types it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.tiny_onnx import CANONICAL, photo, split_stem, tiny_model
from veilseg.catalog import CATALOG
from veilseg.cli.main import main
from veilseg.data import CAMVID_CLASSES
from veilseg.data.registry import KINDS
from veilseg.evaluation.protocols import PROTOCOLS
from veilseg.images import to_png
from veilseg.keys import Key
from veilseg.models.encryption.onnx_stem import encrypt_onnx
from veilseg.runtime import Segmenter


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a small dataset in CamVid's layout and models."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("VEILSEG_KEY_FILE", raising=False)
    monkeypatch.setenv("COLUMNS", "120")
    for name in ("val", "valannot"):
        (tmp_path / "data" / name).mkdir(parents=True)
    rng = np.random.default_rng(0)
    for index in range(3):
        (tmp_path / "data" / "val" / f"{index}.png").write_bytes(to_png(photo(index)))
        labels = Image.fromarray(rng.integers(0, 12, (70, 90)).astype(np.uint8))
        labels.save(tmp_path / "data" / "valannot" / f"{index}.png")
    tiny_model(tmp_path / "canonical", CANONICAL)
    split_stem(tiny_model(tmp_path / "plain"))
    return tmp_path


BASE = ["evaluate", "--data", "camvid:data", "--threads", "1"]


def test_a_table_and_a_report(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--model", "canonical", "--cipher", "subblock-shuffle", "--per-class", "--json", "out.json"]
    assert main([*BASE, *arguments]) == 0
    shown = capsys.readouterr().out
    report = json.loads((here / "out.json").read_text())
    for word in ("aAcc", "mIoU", "mAcc", "kB", "subblock-shuffle", f"{report['mIoU']:.2f}", *CAMVID_CLASSES):
        assert word in shown
    assert report["data"]["spec"] == "camvid:data"
    assert report["data"]["images"] == 3
    assert report["input"]["sub_block"] == 8
    assert report["model"] == "canonical"
    assert "command" in report


def test_independent_keys_score_as_sorting_does(here: Path) -> None:
    for cipher in ("subblock-shuffle", "subblock-sort"):
        assert main([*BASE, "--model", "canonical", "--cipher", cipher, "--json", f"{cipher}.json"]) == 0
    first, second = (json.loads((here / f"subblock-{name}.json").read_text()) for name in ("shuffle", "sort"))
    assert first["per_class"] == second["per_class"]


@pytest.mark.parametrize("width", [40, 80])
def test_narrow_terminals_lose_nothing(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], width: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    assert main([*BASE, "--model", "canonical", "--cipher", "subblock-shuffle", "--json", "out.json"]) == 0
    shown = capsys.readouterr().out
    report = json.loads((here / "out.json").read_text())
    lines = shown.splitlines()
    (row,) = [line for line in lines if line.startswith("subblock-shuffle")]
    for name in ("aAcc", "mIoU", "mAcc"):
        assert f"{report[name]:.2f}" in row
    assert max(map(len, lines)) <= width
    assert "…" not in shown


def test_a_report_that_cannot_be_written_is_refused_before_the_work(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Segmenter, "segment", lambda *_, **__: pytest.fail("the work began"))
    assert main([*BASE, "--model", "canonical", "--json", "nowhere/out.json"]) == 1
    assert capsys.readouterr().err == "error: the folder nowhere does not exist\nhint: create it first\n"


def test_limit_and_no_silent_replacement(here: Path) -> None:
    arguments = [*BASE, "--model", "plain", "--limit", "2", "--json", "out.json"]
    assert main(arguments) == 0
    assert json.loads((here / "out.json").read_text())["data"]["images"] == 2
    assert main(arguments) == 1
    assert main([*arguments, "--force"]) == 0


def test_a_keyed_model_asks_for_its_key(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    key, other = Key.generate(), Key.generate()
    key.save(here / "my.key")
    other.save(here / "other.key")
    encrypt_onnx(here / "plain", key, here / "encrypted")
    base = [*BASE, "--model", "encrypted"]
    assert main(base) == 2
    message = capsys.readouterr().err
    assert "needs a key" in message
    assert "--key FILE" in message
    assert main([*base, "--key", "my.key"]) == 0
    assert main([*base, "--key", "other.key"]) == 1
    assert main([*base, "--key", "other.key", "--any-input"]) == 0
    assert main([*base, "--cipher", "plain", "--any-input"]) == 0
    everything = "".join(capsys.readouterr())
    assert str(key) not in everything
    assert str(other) not in everything


def test_help_names_every_cipher_dataset_and_protocol(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "--help"]) == 0
    text = "".join(capsys.readouterr().out.split())
    assert all(name in text for name in (*CATALOG, *PROTOCOLS, *(f"{kind}:" for kind in KINDS)))


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--model", "canonical", "--cipher", "plain"], 1),
        (["--model", "canonical", "--sub-block", "4"], 1),
        (["--model", "canonical", "--sub-block", "5"], 2),
        (["--model", "canonical", "--cipher", "rot13"], 2),
        (["--model", "plain", "--key", "my.key"], 2),
        (["--model", "canonical", "--split", "test"], 1),
        (["--model", "canonical", "--limit", "0"], 2),
    ],
)
def test_what_makes_no_sense_is_refused(here: Path, arguments: list[str], code: int) -> None:
    Key.generate().save(here / "my.key")
    assert main([*BASE, *arguments]) == code
