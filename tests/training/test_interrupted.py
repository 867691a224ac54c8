"""A training run that is stopped, doubled, or finds a machine that cannot run it: a sentence, and no step lost."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.service import PATIENCE, SOURCE
from tests.training.test_training_run import TINY

from veilseg.errors import InvalidDataError, UsageError
from veilseg.training import before
from veilseg.training.load import from_dict
from veilseg.training.trainer import LAST
from veilseg.training.training_run import train


def recipe(**changes: dict[str, Any]) -> dict[str, Any]:
    return {**TINY, **{name: {**TINY[name], **values} for name, values in changes.items()}}


LONG = recipe(train={"steps": 100_000, "checkpoint_every": 50_000, "validate_every": 100_000}, machine={"workers": 2})


def start(folder: Path) -> subprocess.Popen[str]:
    """`veilseg train` in a process group of its own, at its first steps."""
    (folder / "long.yaml").write_text(json.dumps(LONG))
    command = [sys.executable, "-P", "-m", "veilseg.cli.main", "train", "long.yaml", "-o", "run"]
    process = subprocess.Popen(
        command,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": SOURCE},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    end = time.monotonic() + PATIENCE
    while not list((folder / "run").glob("log/*/metrics.csv")):
        assert process.poll() is None, process.stderr and process.stderr.read()
        assert time.monotonic() < end
        time.sleep(0.2)
    return process


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_for_the_whole_group_leaves_a_checkpoint(number: signal.Signals, tmp_path: Path) -> None:
    process = start(tmp_path)
    again = subprocess.run(
        [sys.executable, "-P", "-m", "veilseg.cli.main", "train", "long.yaml", "-o", "run"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": SOURCE},
        capture_output=True,
        text=True,
        check=False,
    )
    assert again.returncode == 2
    assert "\nerror: another process works on run" in again.stderr
    process.send_signal(number)  # as `timeout` does it: the process, then its group
    os.killpg(process.pid, number)
    _, said = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130, said
    assert "Traceback" not in said
    assert torch.load(tmp_path / "run" / LAST, weights_only=True)["global_step"] > 0


def test_a_part_of_a_checkpoint_is_named(tmp_path: Path) -> None:
    train(from_dict(TINY), tmp_path)
    (tmp_path / "config.json").unlink()
    whole = (tmp_path / LAST).read_bytes()
    for size in (0, 10, len(whole) // 2, len(whole) - 1):
        (tmp_path / LAST).write_bytes(whole[:size])
        with pytest.raises(UsageError, match="no whole checkpoint"):
            train(from_dict(TINY), tmp_path)


@pytest.mark.parametrize(
    "changes",
    [{"train": {"seed": 1 << 32}}, {"machine": {"accelerator": "tpu"}}, {"machine": {"accelerator": "cuda"}}],
)
def test_what_the_machine_does_not_have_is_named(changes: dict[str, dict[str, Any]], tmp_path: Path) -> None:
    if changes == {"machine": {"accelerator": "cuda"}} and torch.cuda.is_available():
        changes = {"machine": {"accelerator": "mps"}}
    with pytest.raises(UsageError):
        train(from_dict(recipe(**changes)), tmp_path)


@pytest.mark.parametrize("options", ["size=16k", "ro"])
def test_a_small_dev_shm_is_named(options: str, tmp_path: Path) -> None:
    """Workers would wait for ever for room there."""
    (tmp_path / "long.yaml").write_text(json.dumps(LONG))
    run = f'"{sys.executable}" -P -m veilseg.cli.main train long.yaml -o run'
    inside = f"mount -t tmpfs -o {options} tmpfs /dev/shm && {run}"
    if shutil.which("unshare") is None or subprocess.run(["unshare", "-rm", "true"], check=False).returncode:
        pytest.skip("needs namespaces of a user")
    done = subprocess.run(
        ["unshare", "-rm", "bash", "-c", inside],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": SOURCE},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    assert "error: /dev/shm has 0.0 MB free" in done.stderr


def test_nothing_to_learn_is_an_error(tmp_path: Path) -> None:
    from PIL import Image

    for name, value in (("images", 7), ("labels", 255)):
        (tmp_path / "data" / name).mkdir(parents=True)
        Image.fromarray(np.full((64, 64), value, np.uint8)).save(tmp_path / "data" / name / "0.png")
    (tmp_path / "data" / "classes.json").write_text('{"classes": ["a", "b"]}')
    source = {"source": f"folder:{tmp_path / 'data'}"}
    with pytest.raises(InvalidDataError, match="every pixel of training is ignored"):
        train(from_dict(recipe(data={"train": [source], "val": source})), tmp_path / "run")


def test_much_that_is_ignored_is_told() -> None:
    from veilseg.data import open_data

    val = open_data("scenes:1")
    counts = np.array([1] * len(val.classes) + [2 * len(val.classes)])
    with pytest.warns(UserWarning, match=r"67 % of the pixels of training are ignored \(255\)"):
        before.check_classes(counts, val)
    counts[0] = 0
    with (
        pytest.warns(UserWarning, match="of the pixels of training are ignored"),
        pytest.warns(UserWarning, match="belongs to .*; 255 means ignored"),
    ):
        before.check_classes(counts, val)
    before.check_classes(np.array([9] * len(val.classes) + [1]), val)  # no warning, which would be an error here


@pytest.mark.parametrize(("in_memory", "free_mb", "fits"), [(False, 40, False), (True, 40, True), (True, 1, False)])
def test_room_is_asked_for_where_workers_read(
    in_memory: bool, free_mb: int, fits: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Validation reads images by workers also where those of training are in memory."""
    from veilseg.data import open_data

    room = os.statvfs_result((1, 1 << 20, 99, 99, free_mb, 0, 0, 0, 0, 255))
    monkeypatch.setattr(os, "statvfs", lambda _: room)
    many = from_dict(recipe(train={"batch": 4000}, machine={"workers": 1}))
    with contextlib.nullcontext() if fits else pytest.raises(UsageError, match="and the workers of this recipe need"):
        before.check_machine(many, open_data("scenes:1"), in_memory=in_memory)
