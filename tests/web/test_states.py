"""Every state of the page, light on a desk and dark on a phone: axe-core finds nothing, and nothing scrolls sideways.

Where VEILSEG_SCREENSHOTS names a folder, a picture of each state is written there.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from tests.service import Service, running
from tests.web.page import PATIENCE, watched
from veilseg.data.scenes import generate_scene
from veilseg.server.tokens import TokenFile

SEGMENT = "**/v1/segment**"
LOOKS = (("light", 1200), ("dark", 390))


@pytest.fixture(scope="session")
def photos(folder: Path) -> list[Path]:
    """A photograph larger than the working size, and two smaller ones."""
    paths = [folder / f"{name}.jpg" for name in ("street corner", "a lane", "the bridge")]
    for seed, path in enumerate(paths, 7):
        size = (900, 1200) if path is paths[0] else (240, 320)
        Image.fromarray(generate_scene(seed, size=size).image).save(path, quality=85)
    return paths


def violations(page: Page) -> list[str]:
    """What axe-core finds wrong: contrast, names, roles, landmarks, ..."""
    found = Axe().run(page).response["violations"]
    return [f"{rule['id']}: {[node['html'] for node in rule['nodes']]}" for rule in found]


def first(page: Page, photos: list[Path]) -> None:
    pass


def dragged(page: Page, photos: list[Path]) -> None:
    page.dispatch_event("h1", "dragover")


def encrypting(page: Page, photos: list[Path]) -> None:
    """Sent, without a response."""
    page.route(SEGMENT, lambda route: None)
    page.set_input_files("#file", photos[0])
    expect(page.locator("#status")).to_contain_text("Sending")
    expect(page.locator("#cells")).to_contain_text("40 x 30 cells")


def result(page: Page, photos: list[Path]) -> None:
    page.set_input_files("#file", photos[0])
    page.wait_for_selector("body[data-done]")
    page.locator("#legend button").first.click()
    page.locator("#reveal").fill("60")


def finer(page: Page, photos: list[Path]) -> None:
    page.select_option("#side", label="960 px")
    page.set_input_files("#file", photos[0])
    page.wait_for_selector("body[data-done]")
    expect(page.locator("#warning")).to_contain_text("80 cells along the longer side, where 40 are usual")


def several(page: Page, photos: list[Path]) -> None:
    no = {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"no picture"}
    read = [{"name": path.name, "mimeType": "image/jpeg", "buffer": path.read_bytes()} for path in photos]
    page.set_input_files("#file", [*read, no])  # type: ignore[arg-type]
    expect(page.locator("#status.error")).to_contain_text("1 of 4")
    page.locator("#pictures button").nth(1).click()


def camera(page: Page, photos: list[Path]) -> None:
    page.locator("#camera").click()
    page.locator("#live").click()
    expect(page.locator("#result")).to_be_visible()


def key_wanted(page: Page, photos: list[Path]) -> None:
    page.locator("#model").select_option("encrypted")
    page.set_input_files("#file", photos[1])
    expect(page.locator("#status.error")).to_contain_text("needs the key")


def service_down(page: Page, photos: list[Path]) -> None:
    page.route(SEGMENT, lambda route: route.abort())
    page.set_input_files("#file", photos[0])
    expect(page.locator("#status.error")).to_contain_text("cannot be reached")


STATES = (first, dragged, encrypting, result, finer, several, camera, key_wanted, service_down)


@pytest.mark.parametrize(("scheme", "width"), LOOKS)
@pytest.mark.parametrize("state", STATES, ids=[state.__name__ for state in STATES])
def test_it_fits_and_axe_finds_nothing(
    browser: Browser,
    service: Service,
    photos: list[Path],
    scheme: str,
    width: int,
    state: Callable[[Page, list[Path]], None],
) -> None:
    with browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme) as context:  # type: ignore[arg-type]
        for page in watched(context, service):
            state(page, photos)
            look(page, f"{state.__name__}-{scheme}-{width}", width)


@pytest.mark.parametrize(("scheme", "width"), LOOKS)
def test_a_wrong_token(browser: Browser, folder: Path, scheme: str, width: int) -> None:
    tokens = folder / f"tokens-{scheme}.json"
    TokenFile(tokens).add("visitor")
    with (
        running(folder, str(folder / "tiny"), "--tokens", str(tokens)) as guarded,
        browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme) as context,  # type: ignore[arg-type]
    ):
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        page.goto(guarded.url)
        page.locator("#token").fill("veilseg-token-1-nonsense")
        page.locator("#token").press("Enter")
        expect(page.locator("#status.error")).to_contain_text("does not know")
        look(page, f"wrong_token-{scheme}-{width}", width)


def look(page: Page, name: str, width: int) -> None:
    if shots := os.environ.get("VEILSEG_SCREENSHOTS"):
        page.screenshot(path=f"{shots}/{name}.png", full_page=True)
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_axe_is_no_rubber_stamp(page: Page) -> None:
    page.evaluate("document.querySelector('.lede').style.color = '#ccc'")
    assert any(line.startswith("color-contrast") for line in violations(page))
