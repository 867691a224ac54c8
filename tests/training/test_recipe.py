"""Recipes: what is written is what runs, and mistakes are found before any work."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from veilseg.ciphers import cipher
from veilseg.errors import UsageError
from veilseg.modelconfig import ModelConfig, shipped_models
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
    recipe = from_dict({"augment": {"crop": [64, 128], "scale": [1, 2]}, "model": {"sub_block": 8}})
    assert from_dict(json.loads(recipe.model_dump_json())) == recipe


def test_the_default_is_what_encrypt_makes_and_the_shipped_model_reads() -> None:
    made = Recipe().model.cipher
    assert made is not None
    assert made.spec == cipher("subblock-sort").spec == ModelConfig.load(shipped_models()["default"]).input.encryption


@pytest.mark.parametrize(
    ("text", "value"), [("1e-4", 1e-4), ("2e-3", 2e-3), ("1E3", 1000.0), (".5e-2", 5e-3), ("1", 1.0)]
)
def test_numbers_are_numbers(text: str, value: float, tmp_path: Path) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text(f"optimizer: {{learning_rate: {text}}}")
    assert load_recipe(path).optimizer.learning_rate == value
    assert load_recipe(path, [f"optimizer.weight_decay={text}"]).optimizer.weight_decay == value


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
        ({"trian": {}}, "unknown entry 'trian'"),
        ({"train": {"stepps": 3}}, "unknown entry 'train.stepps'"),
        ({"train": {"steps": "many"}}, "train.steps is 'many': should be a valid integer"),
        ({"train": {"steps": True}}, "train.steps is 'True': should be a valid integer"),
        ({"train": {"steps": "5"}}, "train.steps"),
        ({"train": {"steps": 5.0}}, "train.steps"),
        ({"train": {"steps": None}}, "train.steps"),
        ({"train": {"steps": 0}}, "train.steps"),
        ({"train": 3}, "train is '3'"),
        ({"train": {"average": 1.0}}, "train.average"),
        ({"optimizer": {"learning_rate": "2e-3"}}, "optimizer.learning_rate is '2e-3': should be a valid number"),
        ({"augment": {"flip": 1}}, "augment.flip"),
        ({"model": {"block": 16, "sub_block": 5}}, "must divide"),
        ({"model": {"input": "blurred"}}, "blurred"),
        ({"augment": {"crop": [100, 96]}}, "crop"),
        ({"augment": {"crop": [96]}}, "augment.crop"),
        ({"augment": {"scale": [2, 1]}}, "scale"),
        ({"data": {"train": []}}, "data.train"),
        ({"data": {"train": [{"source": "scenes:3", "weight": 0}]}}, r"data.train\[0\].weight"),
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
    with pytest.raises(UsageError, match=message) as caught:
        from_dict(values)
    assert "\n" not in caught.value.message


def test_an_unknown_entry_comes_with_the_known_ones() -> None:
    for values, known in (
        ({"more": 1}, "model, data, augment, method, optimizer, loss, train, machine"),
        ({"loss": {"more": 1}}, "balance, jaccard, auxiliary"),
        ({"data": {"train": [{"source": "scenes:1"}, {"more": 1}]}}, "source, split, weight"),
    ):
        with pytest.raises(UsageError) as caught:
            from_dict(values)
        assert caught.value.hint == f"known here: {known}"


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


def test_files_that_would_fill_the_memory_are_refused(tmp_path: Path) -> None:
    """A gigabyte of text, and a few lines whose aliases stand for 10**9 values."""
    path = tmp_path / "recipe.yaml"
    lines = ["a0: &a0 [1]", *(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 10))]
    path.write_text("\n".join(lines))
    with pytest.raises(UsageError, match="no aliases"):
        load_recipe(path)
    path.write_text("[" * 1000)
    with pytest.raises(UsageError, match="brackets in brackets"):
        load_recipe(path)
    with path.open("wb") as file:
        file.truncate(1 << 30)
    with pytest.raises(UsageError, match="too large"):
        load_recipe(path)


def test_environment_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VEILSEG_TEST_DATA", "/data")
    assert expand("camvid:$VEILSEG_TEST_DATA/x") == "camvid:/data/x"
    monkeypatch.delenv("VEILSEG_TEST_DATA")
    with pytest.raises(UsageError, match="VEILSEG_TEST_DATA"):
        expand("camvid:${VEILSEG_TEST_DATA}/x")
