"""What a person sees of a run: a bar on a terminal, lines elsewhere."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from tests.service import PATIENCE, SOURCE
from tests.training.test_training_run import TINY

from veilseg.training.progress import duration

COMMAND = [sys.executable, "-P", "-m", "veilseg.cli.main", "train", "tiny.yaml", "-o", "run"]


@pytest.fixture
def place(tmp_path: Path) -> dict[str, object]:
    """How to start `veilseg train` in a folder with a recipe of ten steps."""
    values = {**TINY, "train": {**TINY["train"], "steps": 10, "validate_every": 5}}
    (tmp_path / "tiny.yaml").write_text(json.dumps(values))
    environment = {**os.environ, "PYTHONPATH": SOURCE, "TERM": "xterm", "COLUMNS": "120"}
    return {"cwd": tmp_path, "env": environment, "stdout": subprocess.PIPE}


def test_a_bar_on_a_terminal(place: dict) -> None:
    ours, theirs = pty.openpty()
    with subprocess.Popen(COMMAND, stderr=theirs, **place) as process:
        os.close(theirs)
        shown = b""
        while True:
            try:
                piece = os.read(ours, 65536)
            except OSError:  # the other end is closed
                break
            shown += piece
        os.close(ours)
        assert process.wait(PATIENCE) == 0, shown
    text = shown.decode()
    assert text.startswith("data: scenes:3:0 (3 images)")
    for part in ("training", "10/10", "loss ", "mIoU "):
        assert part in text
    assert "step 5 of 10" not in text


def test_lines_in_a_log(place: dict) -> None:
    done = subprocess.run(COMMAND, stderr=subprocess.PIPE, timeout=PATIENCE, check=True, text=True, **place)
    lines = done.stderr.splitlines()
    assert [line.partition(":")[0] for line in lines[:3]] == ["data", "model", "run"]
    validated = [line for line in lines if "mIoU " in line]
    assert [line.partition(":")[0] for line in validated[:1] + validated[-1:]] == ["step 5 of 10", "step 10 of 10"]
    assert "about " in validated[0]
    assert "left" not in validated[-1]
    assert "\x1b" not in done.stderr
    again = subprocess.run(COMMAND, stderr=subprocess.PIPE, timeout=PATIENCE, check=True, text=True, **place)
    assert (again.stderr, again.stdout) == ("", done.stdout)


def test_lengths_of_time() -> None:
    assert [duration(each) for each in (0, 89, 91, 3600, 5400, 11100)] == [
        "0 s",
        "89 s",
        "2 min",
        "60 min",
        "1 h 30 min",
        "3 h 05 min",
    ]
