"""Several pictures at once, and the camera, in a real Chromium: one request at a time."""

from __future__ import annotations

import re
import threading
from itertools import pairwise
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, Route, expect

from tests.web.page import drop
from tests.web.tap import Tap
from veilseg.ciphers import EncryptedImage
from veilseg.data.scenes import generate_scene


class Requests:
    """Holds every request for an image back for a while, and counts how many are under way."""

    def __init__(self, page: Page, seconds: float) -> None:
        self.under_way = self.most = 0
        self.seconds = seconds
        page.route("**/v1/segment**", self._hold)
        page.on("requestfinished", self._finish)

    def _hold(self, route: Route) -> None:
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        threading.Event().wait(self.seconds)
        route.continue_()

    def _finish(self, request: object) -> None:
        self.under_way -= "v1/segment" in request.url  # type: ignore[attr-defined]


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / f"photo {index}.png" for index in range(3)]
    for index, path in enumerate(paths):
        Image.fromarray(generate_scene(index, size=(96, 128 + 16 * index)).image).save(path)
    return paths


def test_several_pictures_are_sent_one_after_the_other(page: Page, photos: list[Path], tap: Tap) -> None:
    requests = Requests(page, 0.2)
    page.set_input_files("#file", photos)
    page.wait_for_selector("body[data-done]")
    assert requests.most == 1
    sent = [EncryptedImage.from_bytes(request.body) for request in tap.requests() if request.sends_image]
    assert [image.header.width for image in sent] == [128, 144, 160]
    buttons = page.locator("#pictures button")
    expect(buttons).to_have_text([f"photo {index}.pngdone" for index in range(3)])
    buttons.first.click()
    expect(page.locator("#contents")).to_contain_text(re.compile("132 . 96 pixels"))
    expect(buttons.first).to_have_attribute("aria-current", "true")


def test_one_of_several_fails(page: Page, photos: list[Path]) -> None:
    photos[1].write_bytes(b"no picture")
    page.set_input_files("#file", photos)
    expect(page.locator("#status.error")).to_contain_text("1 of 3 pictures failed")
    expect(page.locator("#pictures .error")).to_contain_text("cannot read the file")
    expect(page.locator("#pictures button", has_text="done")).to_have_count(2)
    drop(page, photos[0])
    page.wait_for_selector("body[data-done]")
    expect(page.locator("#pictures")).to_be_hidden()


def test_a_picture_that_is_picked_stays(page: Page, photos: list[Path]) -> None:
    Requests(page, 1)
    page.set_input_files("#file", photos)
    page.locator("#pictures li", has_text="done").first.locator("button").click()
    page.wait_for_selector("body[data-done]")
    expect(page.locator("#contents")).to_contain_text(re.compile("132 . 96 pixels"))


def test_stop_ends_the_run(page: Page, photos: list[Path]) -> None:
    sent: list[Route] = []
    page.route("**/v1/segment**", lambda route: sent.append(route))  # and held for ever
    with page.expect_request("**/v1/segment**"):
        page.set_input_files("#file", photos)
    expect(page.locator("#status")).to_contain_text("1 of 3: Sending")
    page.locator("#cancel").click()
    expect(page.locator("#status")).to_be_hidden()
    page.wait_for_timeout(1000)
    assert len(sent) == 1


def test_a_picture_from_the_camera(page: Page, tap: Tap) -> None:
    page.locator("#camera").click()
    expect(page.locator("#camera")).to_have_text("Close the camera")
    page.locator("#shoot").click()
    page.wait_for_selector("body[data-done]")
    assert EncryptedImage.from_bytes(tap.image().body).header.spec.cipher == "subblock-sort"
    expect(page.locator("#contents")).to_contain_text("the camera's picture")
    page.locator("#camera").click()
    expect(page.locator("#camera-panel")).to_be_hidden()


#: Has the page note the milliseconds at which it takes frames of the camera.
NOTE_FRAMES = """() => {
    const make = createImageBitmap;
    globalThis.taken = [];
    globalThis.createImageBitmap = (picture, ...options) => {
        if (picture instanceof HTMLVideoElement) taken.push(performance.now());
        return make(picture, ...options);
    };
}"""


@pytest.mark.parametrize(("seconds", "rate", "apart"), [(0.0, "2", 495), (0.6, "5", 595)])
def test_live_pictures_are_bounded(page: Page, seconds: float, rate: str, apart: float) -> None:
    """Never more than one request under way, never more frames than chosen, by the page's clock."""
    page.evaluate(NOTE_FRAMES)
    page.locator("#camera").click()
    page.select_option("#rate", rate)
    requests = Requests(page, seconds)
    page.locator("#live").click()
    expect(page.locator("#live")).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#result")).to_be_visible()
    page.wait_for_function("() => taken.length >= 6")
    page.locator("#cancel").click()
    expect(page.locator("#live")).to_have_attribute("aria-pressed", "false")
    taken = page.evaluate("taken")
    assert requests.most == 1
    assert min(after - before for before, after in pairwise(taken)) >= apart
    page.wait_for_timeout(1000)
    assert page.evaluate("taken") == taken  # stopped is stopped


def test_live_pictures_end_with_the_service(page: Page) -> None:
    page.locator("#camera").click()
    page.locator("#live").click()
    expect(page.locator("#result")).to_be_visible()
    page.route("**/v1/segment**", lambda route: route.abort())
    expect(page.locator("#status.error")).to_contain_text("cannot be reached")
    expect(page.locator("#live")).to_have_attribute("aria-pressed", "false")
