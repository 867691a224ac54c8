"""A run that gets more steps, one that is asked to be another, and what a run says of itself."""

from __future__ import annotations

import json
import logging
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import lightning.pytorch as pl
import pytest
import torch
from tests.service import PATIENCE, SOURCE
from tests.training.test_training_run import TINY

from veilseg.errors import UsageError
from veilseg.models import load_model
from veilseg.training.load import from_dict
from veilseg.training.recipe import Recipe
from veilseg.training.training_run import prepare, train


def of(steps: int, **changes: object) -> Recipe:
    return from_dict({**TINY, "train": {**TINY["train"], "steps": steps, **changes}})


@pytest.mark.parametrize("checkpoint_every", [1, 3])
def test_a_finished_run_is_lengthened(checkpoint_every: int, tmp_path: Path) -> None:
    """From the last checkpoint, which lies before the end where the steps are no multiple of its interval."""
    rates: list[tuple[int, float]] = []
    first = of(4, checkpoint_every=checkpoint_every)
    before = train(first, tmp_path)
    longer = of(40, checkpoint_every=checkpoint_every)
    prepared = prepare(longer, tmp_path)

    class Watch(pl.Callback):
        def on_train_batch_start(self, trainer: pl.Trainer, *_: object) -> None:
            rates.append((trainer.global_step, trainer.optimizers[0].param_groups[0]["lr"]))

    prepared.trainer.callbacks.append(Watch())  # type: ignore[attr-defined]
    prepared.trainer.fit(
        prepared.module, prepared.data, ckpt_path=str(tmp_path / "checkpoints" / "last.ckpt"), weights_only=True
    )
    since = 4 // checkpoint_every * checkpoint_every
    assert [step for step, _ in rates] == list(range(since, 40))
    highest = longer.optimizer.learning_rate
    assert rates[0][1] < 0.6 * highest  # it rises again, over a twentieth of the new steps, then falls to zero
    assert max(rate for _, rate in rates) > 0.9 * highest
    assert rates[-1][1] < 0.01 * highest
    assert before.config.training["steps"] == 4


def test_a_lengthened_run_that_is_interrupted_ends_the_same(tmp_path: Path) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    for folder in (whole, parts):
        train(of(3), folder)
    train(of(8), whole)

    class Stop(pl.Callback):
        def on_train_batch_start(self, trainer: pl.Trainer, *_: object) -> None:
            if trainer.global_step == 6:
                raise RuntimeError("killed")

    prepared = prepare(of(8), parts)
    prepared.trainer.callbacks.append(Stop())  # type: ignore[attr-defined]
    with pytest.raises(RuntimeError, match="killed"):
        prepared.trainer.fit(
            prepared.module, prepared.data, ckpt_path=str(parts / "checkpoints" / "last.ckpt"), weights_only=True
        )
    assert load_model(parts).config.training["steps"] == 3  # the model of before, until there is another
    trained = train(of(8), parts)
    assert trained.config.training["steps"] == load_model(parts).config.training["steps"] == 8
    for (name, got), wanted in zip(trained.state_dict().items(), load_model(whole).state_dict().values(), strict=True):
        assert torch.equal(got, wanted), name


def test_what_differs_is_named(tmp_path: Path) -> None:
    train(of(2), tmp_path)
    for recipe, said in (
        (of(1), r"train.steps is 2 there and 1 here"),
        (of(2, batch=4), r"train.batch is 2 there and 4 here"),
        (of(9, average=0.9, batch=4), r"of another recipe: train.batch is 2 there and 4 here$"),
        (of(2, average=0.9), r"train.average is 0.5 there and 0.9 here"),
    ):
        with pytest.raises(UsageError) as error:
            train(recipe, tmp_path)
        assert re.search(said, error.value.message), error.value.message
    values = json.loads((tmp_path / "recipe.json").read_text())
    values["machine"]["threads"] = 2
    assert train(from_dict(values), tmp_path).config.training["steps"] == 2  # the machine may be another


def test_a_model_that_no_run_left_is_not_replaced(tmp_path: Path) -> None:
    train(of(1), tmp_path)
    (tmp_path / "recipe.json").unlink()
    with pytest.raises(UsageError, match="holds a model, and no run"):
        train(of(1), tmp_path)


def test_the_saved_weights_are_those_that_were_measured(tmp_path: Path) -> None:
    """Also where neither validation nor checkpoint falls on the last step, and the run was interrupted."""

    class Stop(pl.Callback):
        def on_train_batch_start(self, trainer: pl.Trainer, *_: object) -> None:
            if trainer.global_step == 4:
                raise RuntimeError("killed")

    recipe = of(5, validate_every=3, checkpoint_every=2)
    prepared = prepare(recipe, tmp_path / "run")
    prepared.trainer.callbacks.append(Stop())  # type: ignore[attr-defined]
    with pytest.raises(RuntimeError, match="killed"):
        prepared.trainer.fit(prepared.module, prepared.data)
    gone_on, whole = train(recipe, tmp_path / "run"), train(recipe, tmp_path / "whole")
    assert gone_on.config.training["steps"] == 5
    assert gone_on.config.training["val_miou"] == whole.config.training["val_miou"]
    for got, wanted in zip(gone_on.state_dict().values(), whole.state_dict().values(), strict=True):
        assert torch.equal(got, wanted)


def test_a_run_says_what_it_does(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "veilseg.training"):
        train(of(4), tmp_path)
    said = "\n".join(caplog.messages)
    assert "data: scenes:3:0 (3 images) and scenes:2:7 (2 images); validated on scenes:2:1 (2 images)" in said
    assert "11 classes (sky, building" in said
    assert "reads subblock-sort, block 12, sub-block 12" in said
    assert "run: 4 steps of 2 crops of 48 x 48 on " in said
    assert [line.partition(":")[0] for line in caplog.messages[-2:]] == ["step 2 of 4", "step 4 of 4"]
    assert all("loss " in line and "mIoU " in line for line in caplog.messages[-2:])


def test_a_stopped_command_says_how_to_go_on(tmp_path: Path) -> None:
    """The command that it prints, in a shell, goes on at the step that it names."""
    values = {**TINY, "train": {**TINY["train"], "steps": 100_000, "validate_every": 100_000}}
    (tmp_path / "a run.yaml").write_text(json.dumps(values))
    arguments = ["train", "a run.yaml", "train.batch=1", "-o", "the run"]
    environment = {**os.environ, "PYTHONPATH": SOURCE}
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "veilseg.cli.main", *arguments],
        cwd=tmp_path,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    )
    end = time.monotonic() + PATIENCE
    while not list((tmp_path / "the run").glob("log/*/metrics.csv")):
        assert process.poll() is None
        assert time.monotonic() < end
        time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130, said
    lines = said.splitlines()
    assert lines[-1] == "to go on: veilseg train 'a run.yaml' train.batch=1 -o 'the run'"
    step = int(lines[-2].removeprefix("stopped at step ").partition(" of 100000")[0])
    kept = torch.load(tmp_path / "the run" / "checkpoints" / "last.ckpt", weights_only=True)
    assert kept["global_step"] == step > 0
