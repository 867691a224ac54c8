"""The demo's page on a phone, in a real Chromium."""

from __future__ import annotations

import os
from pathlib import Path

from playwright.sync_api import Browser


def test_the_table_is_read_without_scrolling(page: Path, browser: Browser) -> None:
    shown = browser.new_page(viewport={"width": 390, "height": 800})
    shown.goto(page.as_uri())
    table = shown.locator("table")
    assert shown.evaluate("document.documentElement.scrollWidth") <= 390
    assert table.evaluate("it => it.scrollWidth <= it.parentElement.clientWidth")
    assert table.locator("td").first.evaluate("it => getComputedStyle(it).fontSize") == "15.2px"
    label = "it => getComputedStyle(it, '::before').content"
    assert table.locator("tr", has_text="Correct").locator("td").nth(2).evaluate(label) == '"mIoU % "'
    if shots := os.environ.get("VEILSEG_SCREENSHOTS"):
        shown.screenshot(path=f"{shots}/demo-390.png", full_page=True)
    shown.close()
