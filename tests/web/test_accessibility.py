"""The page for people without a mouse, with weak eyes, or with a screen reader: axe-core's rules, and a walk by Tab."""

from __future__ import annotations

from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.service import Service
from tests.web.page import drop, watched

#: What can be operated and is shown, in the order of the document.
OPERABLE = """[...document.querySelectorAll("a[href], button, input, select, summary")]
    .filter(it => it.checkVisibility()).map(it => it.id || it.textContent.trim())"""
#: The element with the focus, and whether a person can see that it has it.
FOCUSED = """(() => {
    const it = document.activeElement;
    const shown = it.type === "file" ? document.querySelector(`label[for="${it.id}"]`) : it;
    const style = getComputedStyle(shown);
    return [it === document.body ? null : it.id || it.textContent.trim(),
            style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2];
})()"""


def violations(page: Page) -> list[str]:
    """What axe-core finds wrong: contrast, names, roles, landmarks, ..."""
    found = Axe().run(page).response["violations"]
    return [f"{rule['id']}: {[node['html'] for node in rule['nodes']]}" for rule in found]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(browser: Browser, service: Service, folder: Path, scheme: str) -> None:
    with browser.new_context(color_scheme=scheme) as context:  # type: ignore[arg-type]
        for page in watched(context, service):
            assert violations(page) == []
            drop(page, folder / "street.png")
            page.wait_for_selector("body[data-done]")
            page.locator("#legend button").first.click()
            page.locator("#access summary").click()
            assert violations(page) == []
            page.locator("#model").select_option("encrypted")
            page.set_input_files("#file", folder / "street.png")
            expect(page.locator("#status.error")).to_be_visible()
            assert violations(page) == []


def test_axe_is_no_rubber_stamp(page: Page) -> None:
    page.evaluate("document.querySelector('.lede').style.color = '#ccc'")
    assert any(line.startswith("color-contrast") for line in violations(page))


def test_all_of_it_is_reached_by_tab_and_shows_the_focus(page: Page, folder: Path) -> None:
    drop(page, folder / "street.png")
    page.wait_for_selector("body[data-done]")
    page.evaluate("document.activeElement.blur()")
    walk: list[str] = []
    while True:
        page.keyboard.press("Tab")
        name, seen = page.evaluate(FOCUSED)
        if name is None or name in walk:
            break
        assert seen, f"{name} does not show that it has the focus"
        walk.append(name)
    assert walk == page.evaluate(OPERABLE)
    assert {"file", "camera", "side", "model", "reveal", "opacity", "save"} <= set(walk)


def test_a_photograph_is_chosen_by_keyboard(page: Page, folder: Path) -> None:
    page.on("filechooser", lambda _: None)  # Playwright catches choosers from then on, not at once: press later
    page.locator("#file").focus()
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Space")
    chooser.value.set_files(folder / "street.png")
    page.wait_for_selector("body[data-done]")
