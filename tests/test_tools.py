"""The scripts of tools/ keep step: the experiment's rows are recipes that load, the pages say what results/ says."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

from veilseg.data.scenes import generate_scene
from veilseg.training.load import load_recipe

ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def tools(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "tools"))


def test_every_row_of_the_experiment_loads() -> None:
    tool = import_module("experiment_rows")
    for table in tool.TABLES.values():
        rows = table()
        assert len(rows) > 30
        for row in [*rows.values(), *tool.STARTS.values()]:
            recipe, *overrides = row.arguments
            loaded = load_recipe(ROOT / recipe, overrides)
            if row.start is not None:
                assert f"runs/rows/{row.start}" in (loaded.method.start, loaded.method.teacher)


def test_every_row_of_the_results_belongs_to_the_experiment() -> None:
    tables = import_module("experiment_rows").TABLES.values()
    rows = {name for table in tables for name in (*table(), *import_module("experiment_rows").STARTS)}
    assert {path.stem for path in (ROOT / "results" / "rows").glob("*.json")} <= rows


def page(tool: ModuleType) -> str:
    text: str = tool.PAGE.read_text(encoding="utf-8")
    return text


def test_the_results_page_says_what_the_rows_say() -> None:
    tool = import_module("results_page")
    assert tool.fill(page(tool), tool.read(ROOT / "results" / "rows")) == page(tool)


@pytest.mark.parametrize(
    "name", ["protocols_page", "performance_page", "attacks_page", "frontier_read", "matrices_page"]
)
def test_pages_say_what_the_results_say(name: str) -> None:
    tool = import_module(name)
    assert tool.fill(page(tool)) == page(tool)


def test_the_frontier_has_every_audited_cipher() -> None:
    points = import_module("frontier").points()
    assert points[0].name == "plain"
    assert all(0 < point.ssim <= 1 for point in points)
    assert sum(point.kept is not None for point in points) > 10


def test_the_settings_page_says_what_the_results_say() -> None:
    tool = import_module("settings_page")
    assert tool.fill(page(tool), tool.settings()) == page(tool)


def test_the_pictures_of_the_settings_are_what_would_be_sent() -> None:
    tool = import_module("site_pictures")
    scene = generate_scene(tool.SEED)
    for side in tool.MODELS:
        sent = tool.shown(scene, tool.encrypt(scene, "subblock-sort", side))
        assert np.array_equal(np.asarray(Image.open(tool.FOLDER / f"scene-{side}.png")), sent)


def test_the_threat_model_says_what_the_readers_read() -> None:
    tool = import_module("readers_page")
    assert tool.fill(page(tool), tool.read(tool.RESULTS)) == page(tool)
