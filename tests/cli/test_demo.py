"""`veilseg demo` as a newcomer types it, with tiny models in the place of the shipped ones."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tiny_onnx import CANONICAL, split_stem, tiny_model
from veilseg import modelfolder
from veilseg.cli.main import main


def test_the_demo_prints_a_table_and_writes_a_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "140")
    shipped = {
        "default": tiny_model(tmp_path / "m" / "default", CANONICAL),
        "plain": tiny_model(tmp_path / "m" / "plain"),
    }
    split_stem(shipped["plain"])
    monkeypatch.setattr(modelfolder, "shipped_models", lambda: shipped)
    assert main(["demo", "-o", "out", "--scenes", "1", "--seed", "3"]) == 0
    shown = capsys.readouterr()
    for word in ("aAcc", "mIoU", "mAcc", "plain image", "thrown away", "correct key", "wrong key", "not encrypted"):
        assert word in shown.out
    assert "out/index.html" in shown.err
    assert (tmp_path / "out" / "index.html").stat().st_size > 50_000
    assert json.loads((tmp_path / "out" / "results.json").read_text())["seed"] == 3
    assert main(["demo", "-o", "out", "--scenes", "1"]) == 0  # once more, over its own files


def test_where_nothing_can_be_written_the_work_does_not_begin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("veilseg.cli.demo.run_demo", lambda *_, **__: pytest.fail("the work began"))
    (tmp_path / "file").write_bytes(b"")
    for name in ("file", "file/below"):
        assert main(["demo", "-o", name]) == 1
        assert "a file is in its place" in capsys.readouterr().err
    monkeypatch.setattr("os.access", lambda *_: False)  # the tests may run as root, who may write anywhere
    assert main(["demo", "-o", "out"]) == 1
    assert "may not be written to" in capsys.readouterr().err


def test_a_page_of_something_else_stays(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "index.html").write_text("mine")
    assert main(["demo", "-o", str(tmp_path)]) == 2
    assert "is not a page of this demo" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["index.html"]


def test_the_demo_needs_scenes() -> None:
    assert main(["demo", "--scenes", "0"]) == 2


def test_the_demo_and_segmenting_import_no_torch() -> None:
    modules = "veilseg.demo.page, veilseg.cli.segment, veilseg.cli.evaluate, veilseg.runtime"
    code = f"import sys, {modules}; sys.exit('torch' in sys.modules or 'onnxruntime' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
