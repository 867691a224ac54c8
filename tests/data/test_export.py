"""COCO's JSON of a dataset: pycocotools reads the labels back, and so does our own import."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pycocotools.coco import COCO

from veilseg.cli.main import main
from veilseg.data import open_data
from veilseg.data.export import to_coco
from veilseg.errors import InvalidDataError
from veilseg.runtime import Segmenter

CLASSES = ["road", "sky", "tree"]


@pytest.fixture
def labels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[np.ndarray]:
    """A dataset in the folder `mine` with the parts train and val: every class, and ignored pixels."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    made = []
    for index, part in enumerate(("train", "train", "val")):
        for name in ("images", "labels"):
            Path("mine", part, name).mkdir(parents=True, exist_ok=True)
        label = rng.choice([0, 1, 2, 255], (8 + index, 12)).astype(np.uint8)
        Image.fromarray(np.zeros((*label.shape, 3), np.uint8)).save(f"mine/{part}/images/{index}.jpg")
        Image.fromarray(label).save(f"mine/{part}/labels/{index}.png")
        made.append(label)
    Path("mine/classes.json").write_text(json.dumps({"classes": CLASSES}))
    return made


def test_pycocotools_reads_the_labels_back(labels: list[np.ndarray], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "export", "mine", "--split", "train", "-o", "train.json"]) == 0
    assert capsys.readouterr().out == "train.json: images: 2, annotations: 6\n"
    coco = COCO("train.json")
    for image, label in zip(coco.loadImgs(coco.getImgIds()), labels, strict=False):
        read = np.full(label.shape, 255, np.uint8)
        for annotation in coco.loadAnns(coco.getAnnIds(image["id"])):
            mask = coco.annToMask(annotation).astype(bool)
            (category,) = coco.loadCats(annotation["category_id"])
            read[mask] = CLASSES.index(category["name"])
            rows, columns = np.nonzero(mask)
            left, top, width, height = annotation["bbox"]
            assert (rows.min(), columns.min()) == (top, left)
            assert (rows.max() + 1, columns.max() + 1) == (top + height, left + width)
            assert annotation["area"] == mask.sum()
        assert np.array_equal(read, label)
    assert [image["file_name"] for image in coco.loadImgs(coco.getImgIds())] == ["0.jpg", "1.jpg"]


def test_our_own_import_reads_it(labels: list[np.ndarray]) -> None:
    assert main(["data", "export", "mine", "--split", "train", "-o", "train.json"]) == 0
    source = ["coco:train.json", "--images", "mine/train/images", "--val", "0", "--background", "ignore"]
    assert main(["data", "import", *source, "-o", "again"]) == 0
    again = open_data("folder:again", "train")
    assert again.classes == tuple(CLASSES)
    assert all(np.array_equal(again[index].label, labels[index]) for index in range(2))


def test_maps_that_a_model_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("new/images").mkdir(parents=True)
    Image.fromarray(open_data("scenes:1")[0].image).save("new/images/street.jpg")
    assert main(["segment", "new/images", "-o", "new/labels", "--model", "plain"]) == 0
    assert main(["data", "export", "new", "--model", "plain", "-o", "new.json"]) == 0
    exported = json.loads(Path("new.json").read_text())
    assert [category["name"] for category in exported["categories"]] == list(Segmenter("plain").classes)
    assert exported["images"][0]["file_name"] == "street.jpg"
    Path("new/images/more").mkdir()
    Path("new/images/street.jpg").rename("new/images/more/street.jpg")
    assert main(["data", "export", "new", "--model", "plain", "-o", "less.json"]) == 1
    assert "folders in this one are not read" in capsys.readouterr().err
    assert main(["data", "export", "camvid:new", "--model", "plain", "-o", "less.json"]) == 2
    assert main(["data", "export", "new", "--model", "owner/nope", "-o", "less.json"]) == 2
    assert not Path("less.json").exists()


def test_maps_of_one_class_take_the_models_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name, mode in (("images", "RGB"), ("labels", "L")):
        Path("new", name).mkdir(parents=True)
        Image.new(mode, (8, 8)).save(f"new/{name}/a.png")
    assert main(["data", "export", "new", "--model", "plain", "-o", "new.json"]) == 0
    (annotation,) = json.loads(Path("new.json").read_text())["annotations"]
    assert (annotation["category_id"], annotation["bbox"]) == (1, [0, 0, 8, 8])


def test_what_cannot_be_exported(labels: list[np.ndarray], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "export", "mine", "-o", "mine.json"]) == 2
    assert "choose one with --split: train, val" in capsys.readouterr().err
    Path("mine/train/images/3.jpg").write_bytes(Path("mine/train/images/0.jpg").read_bytes())
    assert main(["data", "export", "mine", "--split", "train", "-o", "mine.json"]) == 1
    assert "a photograph without a label" in capsys.readouterr().err
    assert not Path("mine.json").exists()
    Path("mine/classes.json").write_text(json.dumps({"classes": CLASSES[:2]}))
    with pytest.raises(InvalidDataError, match="holds id 2, but there are 2 classes"):
        to_coco(open_data("folder:mine", "val"))
    Path("there.json").write_text("mine")
    assert main(["data", "export", "mine", "--split", "val", "-o", "there.json"]) == 1
    assert Path("there.json").read_text() == "mine"


def test_drawn_scenes_have_names_too() -> None:
    exported = to_coco(open_data("scenes:1"))
    assert exported["images"][0]["file_name"].endswith(".png")
