"""The contact sheet: what it holds, that it loads nothing, and that axe finds nothing in a real Chromium."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Browser

from tests.data.conftest import Write
from tests.web.conftest import browser
from veilseg.data import check_data
from veilseg.data.check import DataReport
from veilseg.data.registry import open_unchecked
from veilseg.data.sheet import build_sheet, choose, overlay

__all__ = ["browser"]
LOOKS = (("light", 1200), ("dark", 390))


@pytest.fixture
def sheet(write_pair: Write) -> Path:
    """A page with faults, remarks, names that are HTML, an id without a class and a pair that cannot be read."""
    stripes = np.array([0, 0, 1, 1, 2, 2, 255, 255], np.uint8)[None].repeat(6, 0)
    for stem in ("<b>&", "plain", "broken"):
        root = write_pair("images", "labels", stem, stripes)
    (root / "classes.json").write_text('{"classes": ["<i>road", "sky"], "palette": [[1, 2, 3], [250, 250, 250]]}')
    (root / "images" / "broken.png").write_bytes(b"")
    data = open_unchecked(f"folder:{root}")
    page = root / "sheet.html"
    page.write_text(build_sheet([(data, check_data(data))]), encoding="utf-8")
    return page


def test_it_says_what_the_check_found(sheet: Path) -> None:
    text = sheet.read_text(encoding="utf-8")
    assert "3 faults in 3 images" in text
    assert "&lt;b&gt;&amp;.png: the label holds ids 2, but the last class is 1" in text
    assert "broken.png: cannot be read as an image" in text
    assert 'alt="Label of &lt;b&gt;&amp;: &lt;i&gt;road, sky"' in text
    assert "<i>" not in text
    assert text.count("<figure>") == 2
    assert re.findall(r'<td class="number">(\d+)</td><th scope="row">([^<]*(?:<span[^>]*></span>)?[^<]*)</th>', text)[
        2
    ] == ("2", "no class")


@pytest.mark.parametrize(("scheme", "width"), LOOKS)
def test_axe_finds_nothing_and_nothing_is_loaded(
    sheet: Path, browser: Browser, scheme: Literal["light", "dark"], width: int
) -> None:
    with browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 900}) as context:
        page = context.new_page()
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(sheet.as_uri())
        assert [url for url in asked if not url.startswith("data:")] == [sheet.as_uri()]
        page.evaluate("for (const image of document.images) image.loading = 'eager'")
        page.wait_for_function("[...document.images].every(image => image.complete && image.naturalWidth > 0)")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert Axe().run(page).response["violations"] == []


def test_faulty_pairs_come_first_and_the_others_are_spread() -> None:
    report = DataReport("", (), np.zeros((0, 3), np.uint8), 100, faulty={50, 51})
    assert choose(report, 6) == [0, 24, 49, 50, 51, 75]
    assert choose(report, 1) == [50]
    assert len(choose(report, 1000)) == 100


def test_the_overlay_shows_colours_and_stripes() -> None:
    image = np.full((4, 8, 3), 100, np.uint8)
    label = np.array([0, 0, 0, 0, 255, 255, 255, 255], np.uint8)[None].repeat(4, 0)
    seen = overlay(image, label, np.array([[200, 0, 0]], np.uint8))
    assert seen[0, 0].tolist() == [160, 40, 40]
    assert len(np.unique(seen[:, 4:], axis=1)) > 1
    assert Image.fromarray(seen).size == (8, 4)
