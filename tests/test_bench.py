"""The scripts of bench/ run, at a size at which their figures mean nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("script", "options", "found"),
    [
        ("ciphers.py", ["--size", "64", "96", "--repeats", "1"], "rows"),
        ("bulk.py", ["--images", "80", "--workers"], "rows"),
        ("client.py", ["--tiny", "--repeats", "1"], "growth"),
        ("web.py", ["--sizes", "0.05", "--repeats", "1"], "page"),
        ("training.py", ["--tiny"], "rows"),
        ("finetune.py", ["--tiny", "--seeds", "1"], "rows"),
        ("large.py", ["--sizes", "0.05"], "sizes"),
        ("inference.py", ["--tiny", "--repeats", "1"], "rows"),
        ("service.py", ["--images", "8", "--rounds", "1", "--seconds", "1", "--requests", "20"], "overload"),
    ],
)
def test_a_script_measures_and_writes(tmp_path: Path, script: str, options: list[str], found: str) -> None:
    command = [sys.executable, str(ROOT / "bench" / script), *options, "--json", str(tmp_path / "figures.json")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert figures[found]
    assert figures["machine"]["cores"] >= 1


@pytest.mark.slow
def test_reconstructions_are_measured(tmp_path: Path, camvid: Path) -> None:
    small = [
        "--steps",
        "2",
        "--photographs",
        "2",
        "--limit",
        "2",
        "--processes",
        "1",
        "--json",
        str(tmp_path / "r.json"),
    ]
    command = [sys.executable, str(ROOT / "bench" / "reconstruction.py"), f"camvid:{camvid}", *small]
    done = subprocess.run([*command, "--sides", "16", "8"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert [row["cell"] for row in json.loads((tmp_path / "r.json").read_text())["rows"]] == [8, 16]
