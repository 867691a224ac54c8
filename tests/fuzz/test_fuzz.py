"""The fuzzers run, briefly, and find what was put there to be found."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.fuzz import __main__ as fuzz
from tests.fuzz.seeds import CORPUS, ROOT, seeds
from tests.fuzz.targets import TARGETS
from tests.fuzz.traffic import TRAFFIC
from tests.service import SOURCE
from veilseg.errors import VeilsegError

PLANTED = """
import atheris
from tests.fuzz import guided, targets
@atheris.instrument_func
def planted(data):
    if data[:1] == b"a":
        raise ValueError("the planted bug")
targets.TARGETS = {"key": planted}
guided.main()
"""


@pytest.mark.slow
@pytest.mark.parametrize("name", TARGETS)
def test_a_reader_stands_some_thousand_cases(name: str, tmp_path: Path) -> None:
    run = fuzz.run_guided(name, 1000, 1, tmp_path, minimise=False)
    assert run.findings == []
    assert run.cases >= 1000


@pytest.mark.slow
@pytest.mark.parametrize(("name", "cases"), [("requests", 150), ("responses", 60)])
def test_a_connection_stands_some_cases(name: str, cases: int, tmp_path: Path) -> None:
    assert TRAFFIC[name](cases, 1, tmp_path) == (cases, [])


def test_the_memory_of_who_starts_a_fuzzer_is_not_the_fuzzers() -> None:
    held = np.ones(1 << 25)  # 256 MiB
    peak = "import resource; print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"  # KiB
    command = [sys.executable, "-c", peak]
    said = [
        int(subprocess.run(each, capture_output=True, text=True, check=True).stdout)
        for each in (command, fuzz.with_own_peak(command))
    ]
    assert said[1] < held.nbytes >> 11 < said[0]


def test_a_planted_bug_is_found(tmp_path: Path) -> None:
    command = [sys.executable, "-c", PLANTED, "key", "-runs=1000000", "-seed=1", f"-artifact_prefix={tmp_path}/"]
    done = subprocess.run(
        fuzz.with_own_peak(command),
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": SOURCE},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    said = fuzz.said_of(done.stdout + done.stderr)
    assert "ValueError: the planted bug" in said[0]
    (kept,) = tmp_path.iterdir()
    assert kept.read_bytes()[:1] == b"a"


def test_a_client_that_breaks_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise KeyError("input")

    monkeypatch.setattr("veilseg.client.responses.ServiceModel.from_response", broken)
    monkeypatch.setattr("veilseg.client.exchange.ServiceModel.from_response", broken)
    cases, findings = TRAFFIC["responses"](5, 1, tmp_path)
    assert cases == 5
    assert findings
    assert findings[0].startswith("KeyError('input'): responses-")
    assert len(list(tmp_path.iterdir())) == len(findings)


@pytest.mark.filterwarnings("ignore")  # photographs that lose something are told so
def test_the_corpus_is_what_its_targets_stand() -> None:
    """What earlier runs kept is small, and goes through without a finding."""
    corpus = json.loads(CORPUS.read_text())
    assert corpus.keys() <= TARGETS.keys()
    assert CORPUS.stat().st_size < 1 << 20
    for name in TARGETS:
        for data in seeds(name):
            TARGETS[name](data)


def test_targets_notice_errors_that_no_terminal_can_show(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: object) -> None:
        raise VeilsegError("two\nlines")

    monkeypatch.setattr("tests.fuzz.targets.Key.parse", refuse)
    with pytest.raises(AssertionError):
        TARGETS["key"](b"")
