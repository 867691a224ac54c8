"""Recipes: what is written is what runs, and mistakes are found before any work."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from veilseg.errors import UsageError
from veilseg.training.load import expand, from_dict, load_recipe
from veilseg.training.recipe import Recipe

RECIPES = sorted((Path(__file__).parents[2] / "recipes").glob("*.yaml"))


def test_there_are_recipes() -> None:
    assert RECIPES


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_shipped_recipes_load(path: Path) -> None:
    assert load_recipe(path).train.steps > 0


def test_the_empty_recipe_is_the_default(tmp_path: Path) -> None:
    path = tmp_path / "empty.yaml"
    path.write_text("")
    assert load_recipe(path) == Recipe()


def test_a_recipe_survives_its_own_record() -> None:
    recipe = from_dict({"augment": {"crop": [64, 128], "scale": [1, 2]}, "model": {"sub_block": 4}})
    assert from_dict(yaml.safe_load(yaml.safe_dump(recipe.to_dict() | {}).replace("!!python/tuple", ""))) == recipe


def test_overrides_win(tmp_path: Path) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text("train: {steps: 5, seed: 3}")
    recipe = load_recipe(path, ["train.steps=7", "model.arguments.decoder_width=16", "augment.scale=[0.5, 2.0]"])
    assert (recipe.train.steps, recipe.train.seed) == (7, 3)
    assert recipe.model.arguments == {"decoder_width": 16}
    assert recipe.augment.scale == (0.5, 2.0)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"trian": {}}, "trian"),
        ({"train": {"stepps": 3}}, "train.stepps"),
        ({"train": {"steps": "many"}}, "train.steps"),
        ({"train": {"steps": True}}, "train.steps"),
        ({"train": {"steps": 0}}, "steps"),
        ({"train": 3}, "train"),
        ({"model": {"sub_block": 5}}, "must divide"),
        ({"model": {"input": "blurred"}}, "blurred"),
        ({"augment": {"crop": [100, 96]}}, "crop"),
        ({"augment": {"crop": [96]}}, "crop"),
        ({"augment": {"scale": [2, 1]}}, "scale"),
        ({"data": {"train": []}}, "sources"),
        ({"data": {"train": [{"source": "scenes:3", "weight": 0}]}}, "weights"),
        ({"data": {"train": [{"sauce": "scenes:3"}]}}, r"data.train\[0\].sauce"),
        ({"train": {"batch": 5, "accumulate": 2}}, "shared by 2"),
        ({"train": {"window": [100]}}, "window"),
        ({"machine": {"devices": 3}}, "shared by 3"),
        ({"optimizer": {"name": "adam"}}, "optimizer.name"),
        ({"method": {"keys": "fixed"}}, "shuffled"),
        ({"method": {"closed_form": True}}, "method.start"),
        ({"method": {"key": "my.key"}}, "method.start"),
        ({"model": {"input": "shf"}}, "method.key"),
        ({"method": {"tokens": 1.0}}, "method.teacher"),
    ],
)
def test_mistakes_are_named(values: dict, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        from_dict(values)


@pytest.mark.parametrize("override", ["steps=3", "train.steps", "train.steps.more=1"])
def test_bad_overrides(tmp_path: Path, override: str) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text("train: {steps: 5}")
    with pytest.raises(UsageError):
        load_recipe(path, [override])


@pytest.mark.parametrize("text", ["- a list", "{unclosed", "\x00"])
def test_files_that_are_no_recipes(tmp_path: Path, text: str) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text(text)
    with pytest.raises(UsageError):
        load_recipe(path)
    with pytest.raises(UsageError, match="cannot read"):
        load_recipe(tmp_path / "absent.yaml")


def test_environment_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VEILSEG_TEST_DATA", "/data")
    assert expand("camvid:$VEILSEG_TEST_DATA/x") == "camvid:/data/x"
    monkeypatch.delenv("VEILSEG_TEST_DATA")
    with pytest.raises(UsageError, match="VEILSEG_TEST_DATA"):
        expand("camvid:${VEILSEG_TEST_DATA}/x")
