"""The figures of the README are those of results/."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
#: Scores by the words that begin a row of the README, and the cells in pixels.
ROWS = (
    ("plain photographs", "camvid-val-plain.json", None),
    ("cells of 4", "camvid-val-sort4.json", "4"),
    ("cells of 8", "camvid-val-sort8.json", "8"),
    ("cells of 12", "camvid-val-default-sort.json", "12"),
)


def load(name: str) -> Any:
    return json.loads((ROOT / "results" / name).read_text(encoding="utf-8"))


@pytest.mark.parametrize(("words", "file", "side"), ROWS, ids=[row[0] for row in ROWS])
def test_the_readme(words: str, file: str, side: str | None) -> None:
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    (row,) = [line for line in lines if line.replace("*", "").startswith(f"| {words}")]
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    scores = load(file)
    wanted = [f"{scores[name]:.2f}" for name in ("aAcc", "mIoU", "mAcc")]
    assert cells[1:5] == [*wanted, f"{scores['bytes_per_image']:,.0f}"]
    if side is not None:
        read = load("readers-specialist.json")["sides"][side]["all"]
        assert cells[5] == f"{100 * read['characters'][0]:.0f} %"
        share = read["whole"][0]
        assert cells[6] == (f"0 of {read['lines']}" if share == 0 else f"{100 * share:.{0 if share > 0.01 else 1}f} %")


@pytest.mark.parametrize(
    ("words", "file"),
    [
        ("plain", "camvid-val-plain.json"),
        ("s = 4", "camvid-val-sort4.json"),
        ("s = 8", "camvid-val-sort8.json"),
        ("s = 12, the default", "camvid-val-default-sort.json"),
    ],
)
def test_the_model_cards_classes(words: str, file: str) -> None:
    text = (ROOT / "docs" / "model-card.md").read_text(encoding="utf-8")
    lines = text.partition("| IoU by class, val |")[2].splitlines()
    (row,) = [line for line in lines if line.startswith(f"| {words} |")]
    found = [cell.strip() for cell in row.strip("|").split("|")][1:]
    assert found == [f"{100 * one['iou']:.1f}" for one in load(file)["per_class"].values()]


def test_the_reader_that_the_readme_speaks_of() -> None:
    text = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    read = load("readers-specialist.json")["sides"]["12"]["all"]
    assert f"reads {100 * read['characters'][0]:.0f} % of the characters" in text
    assert f"(guessing: {100 * read['guessing']:.0f} %)" in text
    assert read["whole"][0] == 0
    assert "no plate whole" in text
