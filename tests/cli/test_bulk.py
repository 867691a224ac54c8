"""`veilseg bulk` as a person calls it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Done
from tests.tiny_onnx import CANONICAL, tiny_model


@pytest.fixture
def folder(photo: Path, tmp_path: Path) -> Path:
    (tmp_path / "photos" / "deep").mkdir(parents=True)
    (tmp_path / "photos" / "a.png").write_bytes(photo.read_bytes())
    (tmp_path / "photos" / "deep" / "b.png").write_bytes(photo.read_bytes())
    return tmp_path


def test_encrypt_then_segment(cli: Callable[..., Done], folder: Path) -> None:
    assert cli("encrypt", "photos/", "-o", "one-by-one", "--sub-block", "8").code == 0
    done = cli("bulk", "encrypt", "photos", "-o", "veiled", "--sub-block", "8")
    assert (done.code, done.out, done.err) == (0, b"", "2 written\n")
    for name in ("a.png", "deep/b.png"):
        assert (folder / "veiled" / name).read_bytes() == (folder / "one-by-one" / name).read_bytes()
    assert (folder / "veiled" / "failures.jsonl").read_bytes() == b""
    model = tiny_model(folder / "model", CANONICAL)
    assert cli("segment", "veiled", "-o", "maps", "--model", model, "--threads", "1").code == 0
    assert cli("bulk", "segment", "veiled", "-o", "labels", "--model", "model", "--threads", "1").code == 0
    for name in ("a.png", "deep/b.png"):
        assert (folder / "labels" / name).read_bytes() == (folder / "maps" / name).read_bytes()
    again = cli("bulk", "segment", "veiled", "-o", "labels", "--model", "model")
    assert again.err == "0 written, 2 were there already\n"


def test_failures_are_listed_and_tried_again(cli: Callable[..., Done], folder: Path) -> None:
    broken = folder / "photos" / "deep" / "c.jpg"
    broken.write_bytes(b"no photograph")
    (folder / "photos" / "a.tiff").write_bytes(b"")
    done = cli("bulk", "encrypt", "photos", "-o", "veiled", "--sub-block", "8")
    assert done.code == 1
    assert done.err.startswith("2 written, 2 failed\n")
    assert "failures.jsonl" in done.err
    listed = [json.loads(line) for line in (folder / "veiled" / "failures.jsonl").read_text().splitlines()]
    assert [one["input"] for one in listed] == ["a.tiff", "deep/c.jpg"]
    assert "both become a.png" in listed[0]["reason"]
    assert "not an image" in listed[1]["reason"]
    (folder / "photos" / "a.tiff").unlink()
    broken.write_bytes((folder / "photos" / "a.png").read_bytes())
    assert cli("bulk", "encrypt", "photos", "-o", "veiled").err == "1 written, 2 were there already\n"
    assert (folder / "veiled" / "failures.jsonl").read_bytes() == b""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["decrypt", "photos"], "no job 'decrypt'"),
        (["encrypt", "photos", "--model", "default"], "for segmenting"),
        (["segment", "photos", "--sub-block", "4"], "no key and no cipher"),
        (["encrypt", "photos", "--cipher", "patch-permutation"], "needs a key"),
        (["encrypt", "nowhere"], "has no images"),
    ],
)
def test_usage(arguments: list[str], message: str, cli: Callable[..., Done], folder: Path) -> None:
    done = cli("bulk", *arguments, "-o", "out")
    assert done.code == 2
    assert message in done.err
    assert "hint:" in done.err
    assert not (folder / "out").exists()


def test_a_missing_model_leaves_nothing(cli: Callable[..., Done], folder: Path) -> None:
    assert cli("bulk", "segment", "photos", "-o", "out", "--model", "none").code == 1
    assert not (folder / "out").exists()
