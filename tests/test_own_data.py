"""docs/own-data.md: every command of the page runs, in its order, on a small drawn dataset."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest
from PIL import Image

from tests.service import SOURCE, running
from veilseg.cli.main import VERBS
from veilseg.data import check_data, open_data
from veilseg.data.importing.registry import FORMATS
from veilseg.data.importing.table import read_table
from veilseg.errors import UsageError
from veilseg.training.load import from_dict, load_recipe, shipped_recipes

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "own-data.md").read_text(encoding="utf-8")
SIZE = (96, 120)
#: What makes the page's training short; the recipe itself is the page's.
SHORT = ["train.steps=2", "train.batch=2", "train.validate_every=2", "machine.workers=0", "machine.threads=1"]


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """photos/ and masks/ in the colours of the page's table, which is colours.csv."""
    (tmp_path / "colours.csv").write_text(blocks("csv")[0])
    colours = [entry.colour for entry in read_table(tmp_path / "colours.csv")]
    rng = np.random.default_rng(0)
    for name in ("photos", "masks"):
        (tmp_path / name).mkdir()
    for index in range(1, 6):
        bands = np.repeat([1, 2, 0, 3], [30, 30, 30, 6])
        mask = np.array(colours, np.uint8)[bands][:, None].repeat(SIZE[1], axis=1)
        photo = (mask * 0.7 + rng.integers(0, 60, mask.shape)).astype(np.uint8)
        Image.fromarray(photo).save(tmp_path / "photos" / f"{index:02}.jpg")
        Image.fromarray(mask).save(tmp_path / "masks" / f"{index:02}.png")
    return tmp_path


def run(folder: Path, words: list[str]) -> str:
    done = subprocess.run(
        [sys.executable, "-P", "-m", "veilseg.cli.main", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
        env={**os.environ, "PYTHONPATH": SOURCE},
    )
    assert done.returncode == 0, f"{words}: {done.stderr}"
    return done.stdout


@pytest.mark.slow
def test_the_page_from_masks_to_a_served_model(folder: Path) -> None:
    (block,) = blocks("sh")
    commands = [shlex.split(line) for line in block.splitlines()]
    assert commands.pop(0)[:2] == ["pip", "install"]  # that is how this test came to run
    assert all(command.pop(0) == "veilseg" for command in commands)
    before, serve, (segment,) = commands[:-2], commands[-2], commands[-1:]
    assert [command[0] for command in before] == ["data", "data", "init", "train", "export"]
    for command in before:
        run(folder, [*command, *(SHORT if command[0] == "train" else [])])
    assert (folder / "check.html").is_file()
    assert (folder / "runs/mine/report.html").is_file()
    for part, count in (("train", 4), ("val", 1)):
        report = check_data(open_data(f"folder:{folder / 'data/mine'}", part))
        assert (report.count, report.faults, report.classes) == (count, [], ("road", "sky", "plant"))
        assert report.ignored == 6 / 96
    assert serve[0] == "serve"
    with running(folder, *serve[1:]) as service:
        run(folder, [word.replace("http://127.0.0.1:8000", service.url) for word in segment])
    labels = np.asarray(Image.open(folder / "map.png"))
    assert labels.shape == SIZE
    assert set(np.unique(labels)) <= {0, 1, 2}
    assert (folder / "seen.png").is_file()


def test_the_page_names_every_format_and_nothing_else() -> None:
    table = PAGE.split("## Labels from other tools")[1].split("\n## ")[0]
    assert set(re.findall(r"`([a-z-]+):[A-Za-z0-9.]+` \|", table)) == set(FORMATS)
    verbs = {line.split()[1] for block in blocks("sh") for line in block.splitlines() if line.startswith("veilseg ")}
    assert verbs <= set(VERBS)


def test_shipped_recipes_are_found_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert {path.name for path in (ROOT / "recipes").glob("*.yaml")} == {f"{name}.yaml" for name in shipped_recipes()}
    assert load_recipe("camvid-sort") == load_recipe(ROOT / "recipes" / "camvid-sort.yaml")
    (tmp_path / "camvid-sort").write_text("train: {steps: 7}\n")  # a file of that name is meant where there is one
    assert load_recipe("camvid-sort").train.steps == 7
    named = re.findall(r"`(camvid-[a-z0-9]+)`", PAGE)
    assert named
    assert set(named) <= set(shipped_recipes())
    overrides = shlex.split(PAGE.rstrip().splitlines()[-1].strip())[3:]
    recipe = load_recipe(ROOT / "recipes" / "camvid-sort.yaml", overrides)
    assert [source.source for source in (*recipe.data.train, recipe.data.val)] == ["folder:data/mine"] * 2
    assert recipe.data.val != from_dict({}).data.val


def test_an_unknown_recipe_lists_those_that_ship(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as error:
        load_recipe("camvid-sorted")
    assert "camvid-sort" in str(error.value.hint)


@pytest.mark.slow
def test_the_wheel_holds_the_recipes(tmp_path: Path) -> None:
    options = ["--no-deps", "-q", "-w", str(tmp_path)]
    build = [sys.executable, "-m", "pip", "wheel", *options, str(ROOT)]
    done = subprocess.run(build, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("*.whl")
    with ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert {f"veilseg/recipes/{path.name}" for path in (ROOT / "recipes").glob("*.yaml")} <= names
    assert "veilseg/data/sheet.html" in names
