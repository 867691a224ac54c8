"""The site in a browser, light on a desk and dark on a phone: axe-core finds nothing, nothing comes from elsewhere."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from tests.web.page import PATIENCE
from tests.web.test_states import LOOKS, violations

expect.set_options(timeout=PATIENCE)

MAIN = (
    "index.html",
    "docs/start.html",
    "docs/how-it-works.html",
    "docs/own-data.html",
    "docs/settings.html",
    "docs/operations.html",
    "docs/threat-model.html",
    "docs/results.html",
    "docs/commands.html",
    "docs/python.html",
    "spec/veil-3.html",
    "examples/index.html",
)


@pytest.mark.parametrize(("scheme", "width"), LOOKS)
@pytest.mark.parametrize("page", MAIN)
def test_axe_finds_nothing(browser: Browser, address: str, page: str, scheme: str, width: int) -> None:
    with browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme) as context:  # type: ignore[arg-type]
        opened = context.new_page()
        opened.set_default_timeout(PATIENCE)
        asked: list[str] = []
        errors: list[str] = []
        opened.on("request", lambda request: asked.append(request.url))
        opened.on("pageerror", lambda error: errors.append(str(error)))
        opened.goto(f"{address}/{page}", wait_until="networkidle")
        assert violations(opened) == []
        assert opened.evaluate("document.documentElement.scrollWidth") <= width
        assert [url for url in asked if not url.startswith((address, "data:", "blob:"))] == []
        assert errors == []


def test_a_setting_is_chosen_by_its_accuracy(browser: Browser, address: str) -> None:
    with browser.new_context() as context:
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        page.goto(f"{address}/docs/settings.html")
        expect(page.locator("#setting img").first).to_have_attribute("src", "site/scene-12.png")
        expect(page.locator("#setting pre")).to_have_text(
            "veilseg encrypt photo.jpg -o encrypted.png\nveilseg serve default"
        )
        for least, side, command in (
            ("67", "8", "veilseg serve sort8"),
            ("63.2", "12", "serve default"),
            ("73", "plain", ""),
        ):
            page.locator("#least").fill(least)
            expect(page.locator("#setting img").first).to_have_attribute("src", f"site/scene-{side}.png")
            expect(page.locator("#setting pre")).to_contain_text(command)
            loaded = "document.querySelector('#setting img').naturalWidth"
            page.wait_for_function(f"{loaded} === 480")
        expect(page.locator("tr.chosen")).to_contain_text("plain images")


def test_search_finds_from_a_folder_too(browser: Browser, site, address: str) -> None:
    for start in (address, f"file://{site}"):
        with browser.new_context() as context:
            page = context.new_page()
            page.set_default_timeout(PATIENCE)
            page.goto(f"{start}/index.html", wait_until="networkidle")
            page.locator("input.md-search__input").press_sequentially("fingerprint")  # it listens to keys
            expect(page.locator(".md-search-result__item").first).to_be_visible()
