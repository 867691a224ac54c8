"""What stands beside a result: the command as one would type it, and nothing of the machine's folders."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from veilseg.evaluation.provenance import provenance


@pytest.mark.parametrize(
    ("program", "shown"),
    [
        ("bench/large.py", "python bench/large.py"),
        ("./bench/large.py", "python bench/large.py"),
        ("{here}/bench/large.py", "python bench/large.py"),
        ("/elsewhere/large.py", "python large.py"),
        ("/elsewhere/bin/veilseg", "veilseg"),
    ],
)
def test_the_command_is_the_one_to_type(
    program: str, shown: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [program.format(here=tmp_path), "--json", "a b.json"])
    assert provenance()["command"] == f"{shown} --json 'a b.json'"
