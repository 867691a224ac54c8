"""The page for people without a mouse: a walk by Tab, a photograph chosen by keyboard."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page

from tests.web.page import drop

#: What can be operated and is shown, in the order of the document.
OPERABLE = """[...document.querySelectorAll("a[href], button, input, select, summary, [tabindex]")]
    .filter(it => it.checkVisibility()).map(it => it.id || it.textContent.trim())"""
#: The element with the focus, and whether a person can see that it has it.
FOCUSED = """(() => {
    const it = document.activeElement;
    const shown = it.type === "file" ? document.querySelector(`label[for="${it.id}"]`) : it;
    const style = getComputedStyle(shown);
    return [it === document.body ? null : it.id || it.textContent.trim(),
            style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2];
})()"""


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
    assert {"file", "camera", "sample", "side", "model", "compare", "reveal", "opacity", "save-labels", "save"} <= set(
        walk
    )


def test_a_photograph_is_chosen_by_keyboard(page: Page, folder: Path) -> None:
    page.on("filechooser", lambda _: None)  # Playwright catches choosers from then on, not at once: press later
    page.locator("#file").focus()
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Space")
    chooser.value.set_files(folder / "street.png")
    page.wait_for_selector("body[data-done]")
