"""Beginning with a model of other classes: the body stays, the head is new, and equal names keep their rows."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from tests.training.test_training_run import NETWORK, TINY

from veilseg.data import open_data
from veilseg.errors import UsageError
from veilseg.keys import Key
from veilseg.models import create_model, encrypt_model, load_model, save_model
from veilseg.training.against_start import validate_start, warn_if_worse
from veilseg.training.callbacks import StoppedRun
from veilseg.training.head import class_tensors
from veilseg.training.load import from_dict
from veilseg.training.recipe import Recipe
from veilseg.training.report.curves import read_log
from veilseg.training.start import first_model
from veilseg.training.trainer import LOG_NAME
from veilseg.training.training_run import open_source, train

OWN = ("lawn", "Car", "sky")
SMALL: dict[str, Any] = NETWORK


@pytest.fixture
def own(tmp_path: Path) -> dict[str, Any]:
    """A source of two photographs with the classes OWN."""
    folder = tmp_path / "own"
    rng = np.random.default_rng(3)
    for name, high in (("images", 256), ("labels", len(OWN))):
        (folder / name).mkdir(parents=True)
        for index in range(2):
            shape = (72, 72, 3) if name == "images" else (72, 72)
            Image.fromarray(rng.integers(0, high, shape, np.uint8)).save(folder / name / f"{index}.png")
    (folder / "classes.json").write_text(json.dumps({"classes": OWN}))
    return {"source": f"folder:{folder}"}


def started(own: dict[str, Any], start: str, **model: Any) -> Recipe:
    values = {**TINY, "model": model, "data": {"train": [own], "val": own}, "augment": {}, "method": {"start": start}}
    return from_dict(values)


def test_the_body_stays_and_equal_names_keep_their_rows(own: dict[str, Any]) -> None:
    recipe = started(own, "default")
    old, data = load_model("default"), open_source(recipe.data.val)
    model = first_model(recipe, data, [], None)
    assert model.config.classes == OWN
    assert model.config.input == old.config.input
    assert model.config.arguments == old.config.arguments
    rows = class_tensors(old.config)
    assert rows == {"network.head.0.weight": 4, "network.head.0.bias": 4}
    given, made = old.state_dict(), model.state_dict()
    for name, tensor in made.items():
        if name not in rows:
            assert torch.equal(tensor, given[name]), name
    image = torch.randint(0, 256, (1, 3, 48, 48), dtype=torch.uint8)
    with torch.no_grad():
        scores, before = model.eval()(image)[0], old(image)[0]
    for name, place in (("car", 1), ("sky", 2)):
        torch.testing.assert_close(scores[place], before[old.config.classes.index(name)])
    assert not any(torch.allclose(scores[0], row) for row in before)


def test_other_cells_take_what_fits(own: dict[str, Any]) -> None:
    recipe = started(own, "default", sub_block=8, block=16)
    assert recipe.model.arguments["depths"] == [2, 2, 4, 6]
    model = first_model(recipe, open_source(recipe.data.val), [], None)
    old, made = load_model("default").state_dict(), model.state_dict()
    assert made["network.stem.weight"].shape != old["network.stem.weight"].shape
    assert torch.equal(made["network.stages.3.3.narrow.weight"], old["network.stages.3.3.narrow.weight"])


@pytest.mark.parametrize("name", ["setr-pup", "fcn", "convseg"])
def test_heads_of_every_network_are_found(name: str) -> None:
    small = {"backbone": "vit_tiny_patch16_224", "image_size": 64, "embed_dim": 24, "depth": 4, "num_heads": 2}
    arguments: dict[str, Any] = {"setr-pup": {**small, "decoder_channels": 8}, "convseg": SMALL, "fcn": {}}[name]
    config = create_model(name, classes=("a", "b", "c"), **arguments).config
    found = class_tensors(config)
    assert found
    assert all(rows in (1, 4) for rows in found.values())
    shapes = create_model(name, classes=("a", "b", "c"), **arguments).state_dict()
    assert all(len(shapes[tensor]) == 3 * rows for tensor, rows in found.items())


def test_as_many_classes_in_another_order(tmp_path: Path, own: dict[str, Any]) -> None:
    """The tensors have the same shapes, and still belong to other classes."""
    old = create_model("convseg", classes=("sky", "car", "lawn"), input="canonical", **SMALL)
    save_model(old, tmp_path / "old")
    recipe = started(own, str(tmp_path / "old"))
    model = first_model(recipe, open_source(recipe.data.val), [], None)
    image = torch.randint(0, 256, (1, 3, 48, 48), dtype=torch.uint8)
    with torch.no_grad():
        torch.testing.assert_close(model.eval()(image)[0], load_model(tmp_path / "old")(image)[0].flip(0))


def test_a_whole_run_to_own_classes(tmp_path: Path, own: dict[str, Any]) -> None:
    old = create_model("convseg", classes=("sky", "car"), input="canonical", **SMALL)
    save_model(old, tmp_path / "old")
    trained = train(started(own, str(tmp_path / "old")), tmp_path / "run")
    assert load_model(tmp_path / "run").config.classes == trained.config.classes == OWN


@pytest.mark.parametrize(
    ("first", "last", "warned"), [(50.0, 49.9, True), (50.0, 50.1, False), (50.1249, 50.12, False), (None, 1.0, False)]
)
def test_a_lower_score_is_warned_of(
    first: float | None, last: float, warned: bool, caplog: pytest.LogCaptureFixture
) -> None:
    warn_if_worse(first, last, "default")
    assert [record.levelname for record in caplog.records] == ["WARNING"] * warned


def test_a_run_that_ends_below_its_start_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also one that was stopped in between."""
    values = {
        **TINY,
        "model": {},
        "method": {"start": "default"},
        "optimizer": {"learning_rate": 10.0, "warmup": 0.0},
        "train": {"steps": 4, "batch": 2, "validate_every": 2, "checkpoint_every": 1, "average": 0.0},
    }

    def stopped(*given: Any) -> None:
        validate_start(*given)
        os.kill(os.getpid(), signal.SIGTERM)

    with caplog.at_level("INFO", logger="veilseg.training"):
        with monkeypatch.context() as patch:
            patch.setattr("veilseg.training.training_run.validate_start", stopped)
            with pytest.raises(StoppedRun):
                train(from_dict(values), tmp_path)
        first = read_log(tmp_path / LOG_NAME, "val_miou")[0]
        trained = train(from_dict(values), tmp_path)
    assert first[0] == 0
    assert [each for each in caplog.messages if f"before the first step: mIoU {first[1]:.1f}" in each] != []
    (said,) = [record.getMessage() for record in caplog.records if record.msg.startswith("mIoU is")]
    assert f"mIoU is {trained.config.training['val_miou']:.1f}, and was {first[1]:.1f} before the first step" in said


def test_random_numbers_are_those_of_a_run_that_does_not_look_at_its_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vit = {"backbone": "vit_tiny_patch16_224", "image_size": 48, "embed_dim": 24, "depth": 4, "num_heads": 2}
    arguments: dict[str, Any] = {**vit, "decoder_channels": 8, "drop_path_rate": 0.5}
    data = open_data("scenes:1")
    start = create_model("setr-naive", classes=data.classes, palette=data.palette.tolist(), **arguments)
    save_model(start, tmp_path / "start")
    values = {**TINY, "model": {}, "method": {"start": str(tmp_path / "start")}}
    looked = train(from_dict(values), tmp_path / "looked")
    monkeypatch.setattr("veilseg.training.training_run.validate_start", lambda *_: None)
    for one, other in zip(looked.parameters(), train(from_dict(values), tmp_path / "not").parameters(), strict=True):
        assert torch.equal(one, other)


def test_one_key_keeps_the_classes(tmp_path: Path, own: dict[str, Any]) -> None:
    Key.generate().save(tmp_path / "my.key")
    recipe = started(own, "plain")
    method = recipe.method.model_copy(update={"key": str(tmp_path / "my.key")})
    recipe = recipe.model_copy(update={"method": method})
    with pytest.raises(UsageError, match="other classes"):
        first_model(recipe, open_source(recipe.data.val), [], Key.load(tmp_path / "my.key"))


def test_what_a_recipe_says_of_its_model_counts() -> None:
    for given, wanted in (
        ({}, {"input": "canonical", "block": 12, "sub_block": 12, "patch": 12}),
        ({"input": "plain"}, {"input": "plain", "block": None, "sub_block": None, "patch": None}),
        ({"sub_block": 24}, {"input": "canonical", "block": None, "sub_block": 24, "patch": None}),
        ({"arguments": {"widths": [8, 8, 8, 8]}}, {"input": "canonical", "patch": None, "depths": None}),
    ):
        model = from_dict({"model": given, "method": {"start": "default"}}).model
        values = {**model.model_dump(), **model.arguments}
        assert {name: values.get(name) for name in wanted} == wanted, given


def test_a_model_encrypted_with_a_key_is_no_start(tmp_path: Path) -> None:
    plain = create_model("convseg", classes=("sky", "car"), **SMALL)
    save_model(encrypt_model(plain, Key.generate()), tmp_path / "encrypted")
    with pytest.raises(UsageError, match="encrypted with a key"):
        from_dict({"method": {"start": str(tmp_path / "encrypted")}})
