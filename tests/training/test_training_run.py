"""Training end to end on generated scenes: a model comes out, and an interrupted run ends as an uninterrupted one."""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import numpy as np
import pytest
import torch
from PIL import Image

from veilseg.data import CAMVID_CLASSES, CAMVID_PALETTE
from veilseg.errors import InvalidDataError, UsageError
from veilseg.models import load_model
from veilseg.training.callbacks import StoppedError
from veilseg.training.load import from_dict
from veilseg.training.loading import StepBatches
from veilseg.training.recipe import Recipe
from veilseg.training.trainer import LAST
from veilseg.training.training_run import prepare, train

NETWORK = {"widths": [8, 8, 8, 8], "depths": [0, 1, 1, 1], "decoder_width": 8}
TINY: dict[str, Any] = {
    "model": {"arguments": NETWORK},
    "data": {
        "train": [{"source": "scenes:3", "weight": 2}, {"source": "scenes:2:7", "weight": 1}],
        "val": {"source": "scenes:2:1"},
    },
    "augment": {"crop": [48, 48]},
    "train": {"steps": 4, "batch": 2, "validate_every": 2, "checkpoint_every": 1, "average": 0.5},
    "machine": {"workers": 0, "threads": 1},
}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    train(from_dict(TINY), folder)
    return folder


def test_the_folder_holds_a_model_that_takes_raw_canonical_pixels(finished: Path) -> None:
    model = load_model(finished)
    assert model.config.input.name == "subblock-sort"
    assert model.config.classes[0] == "sky"
    assert model.config.training["recipe"]["train"]["steps"] == 4
    image = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (1, 3, 48, 96), np.uint8))
    mixed = image.flip(1)  # the channel order is forgotten
    with torch.no_grad():
        assert torch.equal(model(image), model(mixed))


def test_the_working_size_is_that_of_the_training_data(finished: Path, tmp_path: Path) -> None:
    assert load_model(finished).config.longer_side == 480
    reduced = prepare(from_dict({**TINY, "data": {**TINY["data"], "longer_side": 96}}), tmp_path)
    assert reduced.module.model.config.longer_side == 96
    assert max(reduced.data.val_samples[0][0].shape) == 96


@pytest.mark.parametrize("step", [1, 2, 3])
@pytest.mark.parametrize("how", ["killed", "asked"])
def test_a_stopped_run_ends_with_the_same_weights(how: str, step: int, finished: Path, tmp_path: Path) -> None:
    """Killed: an error at once, back to the last checkpoint. Asked: SIGTERM, nothing lost but what follows the step."""

    class Stop(pl.Callback):
        def on_train_batch_start(self, trainer: pl.Trainer, *_: object) -> None:
            if trainer.global_step == step:
                if how == "killed":
                    raise RuntimeError("killed")
                os.kill(os.getpid(), signal.SIGTERM)

    prepared = prepare(from_dict(TINY), tmp_path)
    prepared.trainer.callbacks.append(Stop())  # type: ignore[attr-defined]
    with pytest.raises(RuntimeError if how == "killed" else StoppedError), prepared.stop.listening():
        prepared.trainer.fit(prepared.module, prepared.data)
    kept = torch.load(tmp_path / LAST, weights_only=True)["global_step"]
    assert kept == (step if how == "killed" else step + 1)
    _same_weights(train(from_dict(TINY), tmp_path), load_model(finished))


def test_a_batch_in_two_parts_sees_the_same_samples(tmp_path: Path) -> None:
    recipe = from_dict({**TINY, "train": {**TINY["train"], "accumulate": 2}})
    prepared = prepare(recipe, tmp_path)
    whole = list(StepBatches(from_dict(TINY).train))
    assert [first + second for first, second in batched(StepBatches(recipe.train), 2)] == whole
    prepared.trainer.fit(prepared.module, prepared.data)
    assert prepared.trainer.global_step == 4


def batched(items: Iterable[list[int]], count: int) -> Iterator[list[list[int]]]:
    iterator = iter(items)
    while group := list(islice(iterator, count)):
        yield group


def _same_weights(one: torch.nn.Module, other: torch.nn.Module) -> None:
    for (name, got), wanted in zip(one.state_dict().items(), other.state_dict().values(), strict=True):
        assert torch.equal(got, wanted), name


@pytest.mark.parametrize("lost", [[], ["config.json", "model.safetensors"]], ids=["finished", "not yet saved"])
def test_a_run_without_steps_left_gives_the_same_model(lost: list[str], finished: Path, tmp_path: Path) -> None:
    """The averaged weights and their scores, also where the run stopped between its last checkpoint and its end."""
    folder = Path(shutil.copytree(finished, tmp_path / "run"))
    for name in lost:
        (folder / name).unlink()
    again, wanted = train(from_dict(TINY), folder), load_model(finished)
    assert again.config.to_json() == wanted.config.to_json()
    for model in (again, load_model(folder)):
        _same_weights(model, wanted)


def test_training_lowers_the_loss(tmp_path: Path) -> None:
    changes = {"train": {**TINY["train"], "steps": 60, "validate_every": 60}, "optimizer": {"learning_rate": 1e-2}}
    prepared = prepare(from_dict({**TINY, **changes}), tmp_path)
    seen: list[float] = []

    class Watch(pl.Callback):
        def on_train_batch_end(self, trainer: Any, module: Any, outputs: Any, *_: Any) -> None:
            seen.append(float(outputs["loss"]))

    prepared.trainer.callbacks.append(Watch())  # type: ignore[attr-defined]
    prepared.trainer.fit(prepared.module, prepared.data)
    assert np.mean(seen[-20:]) < 0.9 * np.mean(seen[:5])


@pytest.mark.parametrize(
    ("name", "cipher"),
    [("plain", "plain"), ("mosaic", "mosaic"), ("quartiles", "subblock-quartiles"), ("shuffled", "subblock-shuffle")],
)
def test_other_inputs_train_too(name: str, cipher: str, tmp_path: Path) -> None:
    recipe = from_dict({**TINY, "model": {**TINY["model"], "input": name}, "train": {**TINY["train"], "steps": 1}})
    assert train(recipe, tmp_path).config.input.name == cipher


def test_setr_trains_with_its_auxiliary_heads(tmp_path: Path) -> None:
    arguments = {
        "backbone": "vit_tiny_patch16_224",
        "image_size": 48,
        "embed_dim": 24,
        "depth": 4,
        "num_heads": 2,
        "decoder_channels": 8,
    }
    model = {"architecture": "setr-pup", "arguments": arguments}
    trained = train(from_dict({**TINY, "model": model, "train": {**TINY["train"], "steps": 2}}), tmp_path)
    loaded = load_model(tmp_path)
    image = torch.randint(0, 256, (1, 3, 48, 48), dtype=torch.uint8)
    with torch.no_grad():
        torch.testing.assert_close(trained(image), loaded(image), rtol=1e-4, atol=1e-4)


def test_another_recipe_does_not_overwrite_a_run(finished: Path) -> None:
    with pytest.raises(UsageError, match="another recipe"):
        train(Recipe(), finished)


def test_training_on_real_photographs(camvid: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VEILSEG_CAMVID", str(camvid))
    # The val split on both sides: it is the smaller one to read.
    data = {"train": [{"source": "camvid:$VEILSEG_CAMVID", "split": "val"}], "val": {"source": "scenes:1"}}
    recipe = from_dict({**TINY, "data": data, "train": {**TINY["train"], "steps": 2}})
    assert train(recipe, tmp_path).config.training["val_miou"] >= 0


def test_labels_out_of_range_are_named_before_any_work(tmp_path: Path) -> None:
    for name, value in (("a", 10), ("b", 11)):
        for kind in ("images", "labels"):
            (tmp_path / "data" / kind).mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.zeros((64, 64, 3), np.uint8)).save(tmp_path / "data" / "images" / f"{name}.png")
        Image.fromarray(np.full((64, 64), value, np.uint8)).save(tmp_path / "data" / "labels" / f"{name}.png")
    classes = {"classes": list(CAMVID_CLASSES), "palette": CAMVID_PALETTE.tolist()}
    (tmp_path / "data" / "classes.json").write_text(json.dumps(classes))
    data = {"train": [{"source": f"folder:{tmp_path / 'data'}"}], "val": {"source": "scenes:1"}}
    with pytest.raises(InvalidDataError, match=r"label of b holds \[11\]"):
        train(from_dict({**TINY, "data": data}), tmp_path / "run")
    assert not (tmp_path / "run").exists()
