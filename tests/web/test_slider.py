"""What the page shows of the encrypted picture: pixels as they are, never fewer, and nothing of the photograph."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page

from tests.service import Service
from tests.web.page import drop, watched
from tests.web.tap import Tap
from veilseg.ciphers import EncryptedImage
from veilseg.data.scenes import generate_scene

#: Device pixels a pixel of the encrypted picture, across and down.
SCALE = """(() => { const it = document.querySelector("#encrypted"), box = it.getBoundingClientRect();
    return [box.width * devicePixelRatio / it.width, box.height * devicePixelRatio / it.height]; })()"""


@pytest.fixture
def odd(tmp_path: Path) -> Path:
    """A photograph whose sides are no multiples of the block."""
    Image.fromarray(generate_scene(3, size=(203, 301)).image).save(tmp_path / "odd.png")
    return tmp_path / "odd.png"


def screen(page: Page, selector: str) -> np.ndarray:
    """What an element looks like, uint8 [H, W, 3], from the screen's pixel on where browsers begin to draw it."""
    page.locator(selector).scroll_into_view_if_needed()
    box = page.evaluate("s => JSON.parse(JSON.stringify(document.querySelector(s).getBoundingClientRect()))", selector)
    clip = {name: round(box[name]) for name in ("x", "y", "width", "height")}
    return np.asarray(Image.open(io.BytesIO(page.screenshot(clip=clip))).convert("RGB"))  # type: ignore[arg-type]


@pytest.mark.parametrize(("width", "ratio"), [(1200, 1), (390, 1), (390, 3), (1000, 1.25)])
def test_no_pixel_is_scaled_away(browser: Browser, service: Service, folder: Path, width: int, ratio: float) -> None:
    with browser.new_context(viewport={"width": width, "height": 900}, device_scale_factor=ratio) as context:
        for page in watched(context, service):
            page.locator("#sample").click()  # 480 pixels wide: more than a phone has
            page.wait_for_selector("body[data-done]")
            across, down = page.evaluate(SCALE)
            assert [across, down] == pytest.approx([max(1, round(across))] * 2, abs=0.001)
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            page.set_viewport_size({"width": 700, "height": 900})
            page.wait_for_function("() => compare.clientWidth > 500")
            across = page.evaluate(SCALE)[0]
            assert across == pytest.approx(max(1, round(across)), abs=0.001)


def test_the_encrypted_picture_covers_the_photograph(page: Page, odd: Path, tap: Tap) -> None:
    drop(page, odd)
    page.wait_for_selector("body[data-done]")
    page.evaluate("document.querySelector('#loupe-frame').remove()")
    image = EncryptedImage.from_bytes(tap.image().body)
    assert image.pixels.shape == (204, 312, 3)
    shown = screen(page, "#layers")
    assert (shown[:, 2:] == image.pixels[:, 2:]).all()  # but for the slider's line
    page.locator("#reveal").fill("50")
    shown = screen(page, "#layers")
    assert (shown[:203, :150] == np.asarray(Image.open(odd))[:, :150]).all()
    assert (shown[:, 160:] == image.pixels[:, 160:]).all()
    page.locator("#reveal").focus()
    page.keyboard.press("Home")
    assert (screen(page, "#layers")[:203, :300] == np.asarray(Image.open(odd))[:, :300]).all()


def test_the_loupe_shows_pixels_where_mouse_and_keys_point(page: Page, odd: Path, tap: Tap) -> None:
    drop(page, odd)
    page.wait_for_selector("body[data-done]")
    image = EncryptedImage.from_bytes(tap.image().body)
    frame, zoom = page.locator("#loupe-frame"), 8

    def check() -> tuple[int, int]:
        left, top = (round(frame.evaluate(f"it => it.offset{side}")) for side in ("Left", "Top"))
        loupe = screen(page, "#loupe")[: 18 * zoom, : 40 * zoom]
        squares = loupe.reshape(18, zoom, 40, zoom, 3)
        assert (squares == squares[:, :1, :, :1]).all()  # not smoothed
        assert (squares[:, 0, :, 0] == image.pixels[top : top + 18, left : left + 40]).all()
        return left, top

    page.mouse.move(0, 0)
    start = check()
    page.locator("#compare").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowUp")
    assert check() == (start[0] + 1, start[1] - 16)
    page.locator("#layers").hover(position={"x": 120, "y": 60})
    left, top = check()
    assert left < 120 < left + frame.evaluate("it => it.clientWidth")
    assert top < 60 < top + frame.evaluate("it => it.clientHeight")
    page.locator("#layers").hover(position={"x": 311, "y": 203})
    page.keyboard.press("ArrowDown")
    left, top = check()
    assert left + round(frame.evaluate("it => it.clientWidth")) == 312  # no further than the picture


def test_a_finger_points_too(browser: Browser, service: Service, odd: Path) -> None:
    with browser.new_context(viewport={"width": 390, "height": 800}, has_touch=True) as context:
        for page in watched(context, service):
            drop(page, odd)
            page.wait_for_selector("body[data-done]")
            before = page.locator("#loupe-frame").evaluate("it => it.offsetTop")
            page.locator("#layers").tap(position={"x": 100, "y": 20})
            assert page.locator("#loupe-frame").evaluate("it => it.offsetTop") < before
