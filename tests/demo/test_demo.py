"""The demo with tiny models: its rows, its claims, and a page that needs nothing but itself."""

from __future__ import annotations

import json
import re
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from veilseg.data.scenes.dataset import SceneData
from veilseg.demo.measurements import DEMO_SCENES, DEMO_SEED, Demo, run_demo
from veilseg.demo.pictures import best_scene, plate_box, street_box
from veilseg.errors import UsageError
from veilseg.spec import make_spec


def test_rows_and_what_they_must_agree_on(demo: Demo) -> None:
    assert list(demo.rows) == ["plain", "independent", "sorted", "correct", "wrong", "none"]
    assert demo.agreement("independent", "sorted") == 1
    assert demo.agreement("correct", "plain") > 0.999
    assert demo.agreement("wrong", "plain") < 0.99
    assert all(len(row.maps) == 2 and row.maps[0].shape == demo.scenes[0].label.shape for row in demo.rows.values())


def test_the_page_loads_nothing_and_runs_nothing(page: Path) -> None:
    text = page.read_text()
    sources = re.findall(r'(?:src|href)="([^"]*)"', text)
    assert len(sources) > 10
    assert all(source.startswith("data:image/webp;base64,") for source in sources)
    for forbidden in ("<script", "<link", "@import", "http://", "https://", "url("):
        assert forbidden not in text
    assert "prefers-color-scheme: dark" in text
    assert page.stat().st_size < 6_000_000


def test_the_page_is_well_formed_and_names_its_pictures(page: Path) -> None:
    open_tags: list[str] = []
    alts: list[str | None] = []

    class Check(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            if tag == "img":
                alts.append(dict(attrs).get("alt"))
            if tag not in ("meta", "img", "br"):
                open_tags.append(tag)

        def handle_endtag(self, tag: str) -> None:
            assert open_tags.pop() == tag

    Check().feed(page.read_text())
    assert open_tags == []
    assert all(alts)


def test_the_page_says_what_is_not_protected(page: Path, demo: Demo) -> None:
    text = unescape(page.read_text())
    assert make_spec("subblock-sort", sub_block=demo.sub_block).visible in text
    height, width = demo.scenes[0].label.shape
    s = demo.sub_block
    assert f"{width // s} x {height // s} cells; writing lower than {s} pixels of this picture" in text
    assert "never saw" not in text
    assert "the same sorted" in text
    for row in demo.rows.values():
        assert f"{row.result.scores['mIoU']:.2f}" in text


def test_the_figures_are_there_for_machines(page: Path, demo: Demo) -> None:
    report = json.loads(page.with_name("results.json").read_text())
    assert report["seed"] == 5
    assert set(report["rows"]) == set(demo.rows)
    assert report["same_pixels"]["independent keys and sorted"] == 1
    assert report["rows"]["wrong"]["mIoU"] == pytest.approx(demo.rows["wrong"].result.scores["mIoU"], abs=1e-3)
    assert report["rows"]["correct"]["input"]["cipher"] == "patch-permutation"


def test_close_ups_lie_on_the_grid_and_hold_the_plate(demo: Demo) -> None:
    scene = demo.scenes[best_scene(demo.scenes)]
    height, width = scene.label.shape
    boxes = [street_box(scene, 192, 128)]
    if scene.plates:
        close = plate_box(scene)
        assert close is not None
        boxes.append(close)
        _, (x0, y0, x1, y1) = max(
            scene.plates, key=lambda plate: (plate[1][2] - plate[1][0]) * (plate[1][3] - plate[1][1])
        )
        assert close[0] <= (x0 + x1) // 2 < close[2]
        assert close[1] <= (y0 + y1) // 2 < close[3]
    for left, top, right, bottom in boxes:
        assert left % 16 == top % 16 == 0
        assert 0 <= left < right <= width
        assert 0 <= top < bottom <= height


def test_the_demo_opens_with_a_scene_that_shows_what_it_is_about() -> None:
    """Chosen by eye among scenes:12:9: people close by, a car with a readable plate, houses, and a bright sky."""
    data = SceneData(DEMO_SCENES, DEMO_SEED)
    assert best_scene([data[index] for index in range(DEMO_SCENES)]) == 7


def test_the_same_seed_draws_the_same_scenes_and_other_keys(demo: Demo, models: dict[str, Any]) -> None:
    again = run_demo(1, 5, **models)
    assert (again.scenes[0].image == demo.scenes[0].image).all()
    assert again.rows["correct"].result.input["key"] != demo.rows["correct"].result.input["key"]
    assert np.array_equal(again.rows["sorted"].maps[0], demo.rows["sorted"].maps[0])


def test_models_of_the_wrong_kind_and_no_scenes_are_refused(models: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="at least one scene"):
        run_demo(0, **models)
    with pytest.raises(UsageError, match="key-invariant"):
        run_demo(1, default=models["plain"], plain=models["plain"])
