"""The check for other implementations: right about this one, and about ones that make mistakes."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SPEC = Path(__file__).parents[1] / "spec"
COMMAND = Path(__file__).parent / "conformance_command.py"


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The script with some of the vectors, one of each kind at least."""
    folder = tmp_path_factory.mktemp("spec")
    (folder / "vectors").mkdir()
    for name, every in (("container", 40), ("keys", 2)):
        vectors = json.loads((SPEC / "vectors" / f"{name}.json").read_text())
        some = {kind: entries[::every] for kind, entries in vectors.items()}
        (folder / "vectors" / f"{name}.json").write_text(json.dumps(some))
    return Path(shutil.copy(SPEC / "conformance.py", folder))


def run(script: Path, *command: str) -> tuple[int, list[str]]:
    done = subprocess.run([sys.executable, script, *command], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout.splitlines()


def test_this_implementation_is_right(script: Path) -> None:
    status, lines = run(script, sys.executable, str(COMMAND), "none")
    assert status == 0
    assert lines == ["14 of 14 cases are right"]


@pytest.mark.parametrize(
    ("mistake", "message", "right"),
    [
        ("crashes", "crashed with status 1 ValueError: an error of its own", 0),
        ("refuses all", "was refused", 10),
        ("refuses nothing", "was not refused", 4),
        ("other values", "has other values or another header", 10),
    ],
)
def test_mistakes_are_reported(script: Path, mistake: str, message: str, right: int) -> None:
    status, lines = run(script, sys.executable, str(COMMAND), mistake)
    assert status == 1
    assert lines[-1] == f"{right} of 14 cases are right"
    assert len(lines) == 15 - right
    assert all(line.endswith(message) for line in lines[:-1])


def test_no_command_is_an_error(script: Path) -> None:
    assert run(script) == (2, [])
