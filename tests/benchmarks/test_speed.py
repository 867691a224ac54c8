"""The speed comparison: it compares like with like, and its ratios are those of its times."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from veilseg.benchmarks.speed import argsort_shuffle, measure_encryption, medians
from veilseg.ciphers import cipher
from veilseg.cli.main import main


@pytest.mark.parametrize("sub_block", [4, 8, 16])
def test_the_argsort_way_is_the_same_cipher(sub_block: int) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (32, 48, 3), dtype=np.uint8)
    shuffled = argsort_shuffle(pixels, sub_block)
    assert (shuffled != pixels).any()
    canonical = cipher("subblock-sort", 16, sub_block).reduce
    assert (canonical(shuffled) == canonical(pixels)).all()


def test_jobs_take_turns_and_the_first_does_not_count() -> None:
    calls: list[str] = []
    result = medians({"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}, repeats=2)
    assert calls == ["a", "b"] * 3
    assert set(result) == {"a", "b"}


def test_ratios() -> None:
    speeds = measure_encryption(40, 50, repeats=1, names=("subblock-shuffle", "patch-permutation"))
    found = {(speed.name, speed.sub_block) for speed in speeds}
    assert {("subblock-shuffle", s) for s in (4, 8, 16)} | {("patch-permutation", None)} <= found
    seconds = {(speed.name, speed.sub_block): speed.seconds for speed in speeds}
    for speed in speeds:
        for other, ratio in speed.times_as_fast.items():
            assert ratio == pytest.approx(seconds[other, speed.sub_block] / speed.seconds)


def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = tmp_path / "speed.json"
    arguments = ["bench", "--height", "32", "--width", "32", "--repeats", "1", "--no-segmentation"]
    assert main([*arguments, "--json", str(report)]) == 0
    shown = capsys.readouterr().out
    for word in ("subblock-shuffle", "patch-rotation", "argsort ms", "how many times as"):
        assert word in shown
    assert not [line for line in shown.splitlines() if line.startswith("copy")]
    figures = json.loads(report.read_text())
    assert figures["image"] == {"height": 32, "width": 32}
    assert {"command", "commit", "date", "machine", "encryption"} <= figures.keys()
    assert main([*arguments, "--json", str(report)]) == 1
