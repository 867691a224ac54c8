"""`veilseg segment` as a person types it."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as coco

import veilseg
from tests.tiny_onnx import CANONICAL, photo, tiny_model
from veilseg.cli.main import main
from veilseg.images import to_png
from veilseg.modelconfig import ModelConfig
from veilseg.runtime import Segmenter, overlay
from veilseg.runtime.answers import legend
from veilseg.server.responses import AREAS, RLE, build


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a model, photographs and encrypted images."""
    monkeypatch.chdir(tmp_path)
    tiny_model(tmp_path / "model", CANONICAL)
    (tmp_path / "photos").mkdir()
    (tmp_path / "veiled").mkdir()
    cipher = veilseg.cipher("subblock-shuffle", block=16, sub_block=8)
    for index in range(2):
        (tmp_path / "photos" / f"{index}.png").write_bytes(to_png(photo(index)))
        cipher.encrypt(photo(index)).save(tmp_path / "veiled" / f"{index}.png")
    return tmp_path


def read(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        assert image.mode == "P"
        return np.asarray(image)


def test_one_image(here: Path) -> None:
    assert main(["segment", "veiled/0.png", "-o", "labels.png", "--model", "model"]) == 0
    segmenter = Segmenter(here / "model")
    assert (read(here / "labels.png") == segmenter.segment(here / "veiled" / "0.png")).all()


def test_overlay_on_the_photograph(here: Path) -> None:
    arguments = ["--model", "model", "--overlay", "seen.png", "--photo", "photos/0.png", "--threads", "1"]
    assert main(["segment", "veiled/0.png", "-o", "labels.png", *arguments]) == 0
    expected = overlay(photo(0), read(here / "labels.png"), Segmenter(here / "model").palette)
    with Image.open(here / "seen.png") as image:
        assert (np.asarray(image) == expected).all()


def test_a_folder_with_overlays(here: Path) -> None:
    arguments = ["--model", "model", "--overlay", "seen", "--photo", "photos", "--window", "64"]
    assert main(["segment", "veiled", "-o", "labels", *arguments]) == 0
    assert sorted(path.name for path in (here / "labels").iterdir()) == ["0.png", "1.png"]
    assert sorted(path.name for path in (here / "seen").iterdir()) == ["0.png", "1.png"]


def test_a_photograph_of_another_size_is_refused(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "photos" / "0.png").write_bytes(to_png(photo(0, 30, 40)))
    arguments = ["--model", "model", "--overlay", "seen.png", "--photo", "photos/0.png"]
    assert main(["segment", "veiled/0.png", "-o", "labels.png", *arguments]) == 1
    message = capsys.readouterr().err
    assert "the photograph is 40x30 but the image 90x70" in message
    assert "\nhint: " in message
    assert not (here / "labels.png").exists()


def test_one_bad_photograph_does_not_stop_the_other_overlays(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "photos" / "0.png").write_bytes(to_png(photo(0, 30, 40)))
    arguments = ["--model", "model", "--overlay", "seen", "--photo", "photos"]
    assert main(["segment", "veiled", "-o", "labels", *arguments]) == 1
    assert [path.name for path in (here / "seen").iterdir()] == ["1.png"]
    message = capsys.readouterr().err
    assert "error: veiled/0.png: the photograph is 40x30" in message
    assert message.endswith("1 done, 1 failed\n")


def test_subfolders_with_overlays(here: Path) -> None:
    for folder in ("veiled", "photos"):
        (here / folder / "day").mkdir()
        (here / folder / "0.png").rename(here / folder / "day" / "1.png")
    arguments = ["--model", "model", "--overlay", "seen", "--photo", "photos"]
    assert main(["segment", "veiled", "-o", "labels", *arguments]) == 0
    expected = overlay(photo(0), read(here / "labels" / "day" / "1.png"), Segmenter(here / "model").palette)
    with Image.open(here / "seen" / "day" / "1.png") as image:
        assert (np.asarray(image) == expected).all()


def test_a_plain_photograph_is_refused_with_a_hint(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["segment", "photos/0.png", "-o", "labels.png", "--model", "model"]) == 1
    message = capsys.readouterr().err
    assert message.startswith("error: ")
    assert "hint: encrypt" in message
    assert not (here / "labels.png").exists()


def test_nothing_is_replaced_unasked(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "labels.png").write_bytes(b"precious")
    base = ["segment", "veiled/0.png", "--model", "model"]
    assert main([*base, "-o", "labels.png"]) == 0
    assert "skipped: labels.png exists" in capsys.readouterr().err
    assert main([*base, "-o", "new.png", "--overlay", "labels.png", "--photo", "photos/0.png"]) == 0
    assert (here / "labels.png").read_bytes() == b"precious"
    assert (here / "new.png").exists()
    assert main([*base, "-o", "labels.png", "--force"]) == 0
    assert (here / "labels.png").read_bytes() != b"precious"


@pytest.mark.parametrize("target", ["photos/0.png", "veiled/0.png", "labels.png"])
def test_an_overlay_never_replaces_what_is_read_or_written(here: Path, target: str) -> None:
    base = ["segment", "veiled/0.png", "-o", "labels.png", "--model", "model", "--photo", "photos/0.png", "--force"]
    assert main([*base, "--overlay", target]) == 2
    assert not (here / "labels.png").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ["--model", "model", "--overlay", "seen.jpg", "--photo", "photos/0.png"],
        ["--model", "model", "--window", "7"],
        ["--model", "model", "--threads", "0"],
    ],
)
def test_wrong_usage_exits_with_two(here: Path, arguments: list[str]) -> None:
    assert main(["segment", "veiled/0.png", "-o", "labels.png", *arguments]) == 2


def test_photographs_that_do_not_match_are_named(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "photos" / "1.png").unlink()
    arguments = ["-o", "labels", "--model", "model", "--overlay", "seen", "--photo", "photos"]
    assert main(["segment", "veiled", *arguments]) == 2
    assert "no photograph named 1" in capsys.readouterr().err
    assert not (here / "labels").exists()


def test_an_unknown_model_is_an_error_not_a_traceback(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["segment", "veiled/0.png", "-o", "labels.png", "--model", "nowhere"]) == 1
    assert "no model 'nowhere'" in capsys.readouterr().err


def test_a_map_to_stdout(here: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert main(["segment", "veiled/0.png", "-o", "labels.png", "--model", "model"]) == 0
    capfdbinary.readouterr()
    assert main(["segment", "veiled/0.png", "-o", "-", "--model", "model"]) == 0
    assert capfdbinary.readouterr().out == (here / "labels.png").read_bytes()


def test_shares_rle_and_legend(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """They describe the label map that is written; the JSON is a service's."""
    beside = ["--areas", "areas.json", "--rle", "rle.json", "--legend", "legend.csv"]
    assert main(["segment", "veiled/0.png", "-o", "labels.png", "--model", "model", *beside]) == 0
    labels, segmenter = read(here / "labels.png"), Segmenter(here / "model")
    found = json.loads((here / "areas.json").read_text())
    ids, counts = np.unique(labels, return_counts=True)
    assert (found["height"], found["width"]) == labels.shape
    assert [(each["id"], each["pixels"]) for each in found["classes"]] == list(zip(ids, counts, strict=True))
    runs = json.loads((here / "rle.json").read_text())["segments"]
    for segment in runs:
        mask = coco.decode({**segment["rle"], "counts": segment["rle"]["counts"].encode()})
        assert np.array_equal(mask == 1, labels == segment["id"])
    config = ModelConfig.load(here / "model")
    for kind, name in ((AREAS, "areas.json"), (RLE, "rle.json")):
        assert build([("", labels)], kind, config, several=False, boundary="")[0] == (here / name).read_bytes()
    rows = list(csv.reader((here / "legend.csv").read_text().splitlines()))
    assert rows[0] == ["id", "class", "red", "green", "blue", "percent"]
    for row, index, count in zip(rows[1:], ids, counts, strict=True):
        assert row[:2] == [str(index), segmenter.classes[index]]
        assert [int(value) for value in row[2:5]] == segmenter.palette[index].tolist()
        assert float(row[5]) == pytest.approx(100 * count / labels.size, abs=0.001)
    largest = segmenter.classes[ids[counts.argmax()]]
    assert capsys.readouterr().err.startswith(f"{largest} {100 * counts.max() / labels.size:.1f} %")


def test_answers_of_a_folder(here: Path) -> None:
    beside = ["--areas", "areas", "--legend", "legends", "--overlay", "seen", "--photo", "photos"]
    assert main(["segment", "veiled", "-o", "labels", "--model", "model", *beside]) == 0
    for folder, suffix in (("areas", "json"), ("legends", "csv"), ("seen", "png"), ("labels", "png")):
        assert sorted(path.name for path in (here / folder).iterdir()) == [f"0.{suffix}", f"1.{suffix}"]
    (here / "legends" / "1.csv").unlink()  # what is missing is made again
    assert main(["segment", "veiled", "-o", "labels", "--model", "model", *beside]) == 0
    assert (here / "legends" / "1.csv").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["-o", "labels.png", "--areas", "areas.png"], "--areas writes JSON, and areas.png has another suffix"),
        (["-o", "labels.json"], "labels.json would be a PNG under another name"),
        (["-o", "labels.png", "--areas", "a.json", "--rle", "a.json"], "would be written twice"),
        (["-o", "-", "--legend", "legend.csv"], "--legend needs the label map in a file"),
    ],
)
def test_answers_that_cannot_be_written(
    arguments: list[str], said: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["segment", "veiled/0.png", "--model", "model", *arguments]) == 2
    assert said in capsys.readouterr().err
    assert not list(here.glob("*.csv")) + list(here.glob("*.json"))


def test_a_legend_is_no_formula_in_a_spreadsheet() -> None:
    labels = np.array([[0, 1]], np.uint8)
    text = legend(labels, ("=1+1", 'a "b", c'), np.zeros((2, 3), np.uint8))
    assert text == 'id,class,red,green,blue,percent\r\n0,"\'=1+1",0,0,0,50.000\r\n1,"a ""b"", c",0,0,0,50.000\r\n'
