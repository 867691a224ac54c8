"""`veilseg data` and `veilseg init`: from masks to a dataset, its check and its recipe, and every refusal."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from veilseg.catalog import DEFAULT_CIPHER
from veilseg.spec import make_spec
from veilseg.training.load import load_recipe

TABLE = "road,128,64,128\nsky,70,130,180\n"


@pytest.fixture
def drawn(tmp_path: Path) -> Path:
    """photos/, masks/ and colours.csv: ten pairs of 100 x 72 pixels."""
    for name in ("photos", "masks"):
        (tmp_path / name).mkdir()
    mask = np.full((72, 100, 3), (70, 130, 180), np.uint8)
    mask[40:] = (128, 64, 128)
    for index in range(10):
        Image.fromarray(np.full((72, 100, 3), index, np.uint8)).save(tmp_path / "photos" / f"{index}.jpg")
        Image.fromarray(mask).save(tmp_path / "masks" / f"{index}.png")
    (tmp_path / "colours.csv").write_text(TABLE)
    return tmp_path


IMPORT = ("data", "import", "masks:masks", "--images", "photos", "--classes", "colours.csv", "-o", "data/mine")


def test_from_masks_to_a_recipe(cli, drawn: Path) -> None:
    done = cli(*IMPORT)
    assert (done.code, done.text) == (0, "data/mine: 10 images (8 in train/, 2 in val/), 2 classes\n")
    assert done.err == "next: veilseg data check data/mine -o check.html\n"
    checked = cli("data", "check", "data/mine", "-o", "check.html", "--json", "check.json")
    assert checked.code == 0
    assert "folder/mine/train: 8 images, 0 faults\nsizes: 8 of 100 x 72\n" in checked.text
    assert re.search(r"1 sky +32,000 55.56% +8\n", checked.text)
    assert re.search(r"0 road +25,600 44.44% +8\n", checked.text)
    told = json.loads((drawn / "check.json").read_text())
    assert [part["images"] for part in told["splits"]] == [8, 2]
    assert "commit" in told
    assert "data:image/jpeg" in (drawn / "check.html").read_text()
    assert cli("init", "data/mine", "-o", "mine.yaml").code == 0
    recipe = load_recipe(drawn / "mine.yaml")
    assert [source.source for source in recipe.data.train] == ["folder:data/mine"]
    assert recipe.method.start == "default"
    assert recipe.augment.crop == (72, 72)
    assert recipe.train.steps == 400
    assert recipe.model.cipher is not None
    assert recipe.model.cipher.spec == make_spec(DEFAULT_CIPHER)


def test_faults_and_their_exit_code(cli, drawn: Path) -> None:
    assert cli(*IMPORT).code == 0
    (broken,) = (drawn / "data/mine").glob("*/images/3.jpg")
    broken.write_bytes(b"")
    done = cli("data", "check", "data/mine")
    assert done.code == 1
    assert f"fault: {broken.relative_to(drawn)}: cannot be read as an image" in done.err
    part = broken.parents[1].name
    done = cli("init", "data/mine")
    assert done.code == 1
    assert done.err.startswith(f"error: data/mine has 1 fault in {part}\n")
    assert not (drawn / "recipe.yaml").exists()


def test_an_import_with_faults_writes_nothing(cli, drawn: Path) -> None:
    (drawn / "masks/3.png").unlink()
    done = cli(*IMPORT)
    assert (done.code, done.out) == (1, b"")
    assert done.err.startswith("fault: photos/3.jpg: a photograph without a mask\nerror: nothing is written, 1 fault\n")
    assert not (drawn / "data/mine").exists()
    done = cli(*IMPORT, "--leave-out-faulty")
    assert done.text.endswith("2 classes, 1 fault left out\n")


def test_options_of_an_import(cli, drawn: Path) -> None:
    done = cli(*IMPORT, "--map", "road=ground", "--ignore", "sky", "--val", "0.5", "--seed", "3")
    assert "10 images (5 in train/, 5 in val/), 1 class\n" in done.text
    assert json.loads((drawn / "data/mine/classes.json").read_text())["classes"] == ["ground"]
    assert cli(*IMPORT).err.startswith("error: data/mine holds files already\n")
    assert cli(*IMPORT, "--val", "1").code == 2


@pytest.mark.parametrize("arguments", [("data",), ("data", "chekc"), ("data", "check"), ("data", "import", "masks:x")])
def test_wrong_usage(cli, arguments: tuple[str, ...]) -> None:
    done = cli(*arguments)
    assert (done.code, done.out) == (2, b"")
    assert "`veilseg data --help` shows an example" in done.err


def test_both_have_help(cli) -> None:
    overview = cli("data", "--help").text
    assert "check" in overview
    for word in ("check", "import"):
        assert f"veilseg data {word} " in cli("data", word, "--help").text.partition("Example")[2]


def test_outputs_are_not_replaced(cli, drawn: Path) -> None:
    assert cli(*IMPORT).code == 0
    for arguments in (("data", "check", "data/mine", "-o", "x.html"), ("init", "data/mine", "-o", "x.yaml")):
        (drawn / arguments[-1]).write_text("mine")
        assert cli(*arguments).code == 1
        assert (drawn / arguments[-1]).read_text() == "mine"
        assert cli(*arguments, "--force").code == 0


def test_data_without_parts_has_no_recipe(cli, drawn: Path) -> None:
    assert cli("init", "scenes:2").err.startswith("error: scenes:2 has no parts train and val\n")
    assert cli(*IMPORT, "--val", "0").code == 0
    assert cli("init", "data/mine").err.endswith("hint: found splits: train\n")


def test_names_end_no_comment(cli, drawn: Path) -> None:
    assert cli(*IMPORT).code == 0
    description = drawn / "data/mine/classes.json"
    description.write_text(json.dumps({"classes": ["road\ntrain: {steps: 1}", "sky", "rare"]}))
    done = cli("init", "data/mine")
    assert done.code == 0
    assert "warning: no pixel belongs to rare" in done.err
    text = (drawn / "recipe.yaml").read_text()
    assert yaml.safe_load(text)["train"]["steps"] == 400
    assert "rare  (not one pixel" in text


def test_faults_are_said_where_no_class_is_left(cli, drawn: Path) -> None:
    for path in (drawn / "masks").iterdir():
        path.write_bytes(b"torn")
    (drawn / "masks/3.png").rename(drawn / "masks/stray.png")
    done = cli("data", "import", "masks:masks", "--images", "photos", "-o", "data/mine")
    assert done.code == 1
    assert done.err == (
        "fault: photos/3.jpg: a photograph without a mask\nfault: masks/stray.png: a mask without a photograph\n"
        "error: no label holds a class\nhint: all is ignored, or no label can be read\n"
    )
