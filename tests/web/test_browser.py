"""The web client in a real headless Chromium: load, drop, encrypt, segment, switch classes."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

import veilseg
from tests.service import Service, running
from tests.web.page import PATIENCE, drop, pixel, watched
from tests.web.tap import Tap
from veilseg.ciphers import EncryptedImage
from veilseg.data.scenes import generate_scene
from veilseg.keys import Key
from veilseg.runtime import Segmenter
from veilseg.server.tokens import TokenFile

ROOT = Path(__file__).parents[2]


def test_a_photograph_is_encrypted_sent_and_segmented(page: Page, folder: Path, tap: Tap) -> None:
    drop(page, folder / "street.png")
    page.wait_for_selector("body[data-done]")
    expect(page.locator("#visible")).to_have_text(veilseg.cipher("subblock-sort").spec.visible)
    body = tap.image().body
    photo = np.asarray(Image.open(folder / "street.png"))
    expected = veilseg.cipher("subblock-sort").encrypt(photo)
    image = EncryptedImage.from_bytes(body)
    assert image.header == expected.header
    assert (image.pixels == expected.pixels).all()
    assert b"SECRET" not in tap.everything()
    assert b"street" not in tap.everything()

    labels = Segmenter("default").segment(expected)
    shares = page.locator("#legend button").all_inner_texts()
    assert len(shares) == len(np.unique(labels))
    contents = page.locator("#contents").inner_text()
    assert f"{len(body) / 1000:.0f} kB" in contents
    assert "EXIF" in contents
    assert "IHDR 13" in contents
    assert f"veilseg: {image.header.to_json()}" in contents

    # Opacity 0 shows the photograph, opacity 1 the class's colour, a class switched off the photograph again.
    y, x = photo.shape[0] - 20, photo.shape[1] // 2
    page.locator("#opacity").fill("0")
    assert pixel(page, "#blend", x, y) == photo[y, x].tolist()
    page.locator("#opacity").fill("100")
    segmenter = Segmenter("default")
    assert pixel(page, "#blend", x, y) == segmenter.palette[labels[y, x]].tolist()
    button = page.locator("#legend button", has_text=segmenter.classes[labels[y, x]])
    button.press("Enter")
    expect(button).to_have_attribute("aria-pressed", "false")
    assert pixel(page, "#blend", x, y) == photo[y, x].tolist()
    button.press("Space")
    assert pixel(page, "#blend", x, y) == segmenter.palette[labels[y, x]].tolist()


def test_a_picture_wider_than_what_is_shown(page: Page, tmp_path: Path) -> None:
    """Sent whole, shown reduced: the map's colours where the nearest pixel's class is."""
    photo = np.tile(generate_scene(2, size=(48, 512)).image, (1, 5, 1))
    Image.fromarray(photo).save(tmp_path / "wide.png")
    page.select_option("#side", label="as it is")
    page.set_input_files("#file", tmp_path / "wide.png")
    page.wait_for_selector("body[data-done]")
    size = page.evaluate("[blend.width, blend.height]")
    assert size == [2048, 38]
    page.locator("#opacity").fill("100")
    segmenter = Segmenter("default")
    labels = segmenter.segment(veilseg.cipher("subblock-sort").encrypt(photo))
    for x, y in ((0, 0), (700, 20), (1500, 30), (2047, 37)):
        class_ = labels[int((y + 0.5) * 48 / 38), int((x + 0.5) * 2560 / 2048)]
        assert pixel(page, "#blend", x, y) == segmenter.palette[class_].tolist()


def test_the_slider_uncovers_the_photograph(page: Page, folder: Path) -> None:
    drop(page, folder / "street.png")
    page.wait_for_selector("body[data-done]")
    page.locator("#reveal").focus()
    page.keyboard.press("Home")
    assert page.locator("#compare").evaluate("it => it.style.getPropertyValue('--reveal')") == "0%"


def test_a_pasted_picture_and_the_camera(page: Page, folder: Path, tap: Tap) -> None:
    page.evaluate(
        """bytes => {
            const data = new DataTransfer();
            data.items.add(new File([new Uint8Array(bytes)], "image.png", { type: "image/png" }));
            document.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true }));
        }""",
        list((folder / "street.png").read_bytes()),
    )
    page.wait_for_selector("body[data-done]")
    page.locator("#camera").click()
    expect(page.locator("#camera")).to_have_text("Take the picture")
    with page.expect_request("**/v1/segment**"):
        page.locator("#camera").click()
    page.wait_for_selector("body[data-done]")
    pasted, taken = [request.body for request in tap.requests() if request.sends_image]
    assert EncryptedImage.from_bytes(pasted).header.spec.cipher == "subblock-sort"
    assert EncryptedImage.from_bytes(taken).header.spec.cipher == "subblock-sort"


def test_an_encrypted_model_needs_its_key_which_stays(page: Page, folder: Path, tap: Tap) -> None:
    page.locator("#model").select_option("encrypted")
    expect(page.locator("#key-row")).to_be_visible()
    expect(page.locator("#visible")).to_have_text(veilseg.cipher("patch-permutation").spec.visible)
    page.set_input_files("#file", folder / "street.png")
    expect(page.locator("#status.error")).to_contain_text("needs the key")
    page.locator("#key").fill(str(Key.generate()))
    page.locator("#key").press("Tab")
    expect(page.locator("#status.error")).to_contain_text("belongs to the key")
    page.locator("#key").fill("veilseg-key-1-nonsense")
    page.locator("#key").press("Tab")
    expect(page.locator("#key-note")).to_contain_text("characters")
    assert not any(request.sends_image for request in tap.requests())
    page.set_input_files("#key-file", folder / "my.key")
    page.wait_for_selector("body[data-done]")
    key = Key.load(folder / "my.key")
    image = EncryptedImage.from_bytes(tap.image().body)
    assert (image.decrypt(key) == np.asarray(Image.open(folder / "street.png"))).all()
    assert str(key).encode() not in tap.everything()


def test_tokens(browser: Browser, folder: Path) -> None:
    token = TokenFile(folder / "tokens.json").add("visitor")
    with running(folder, str(folder / "tiny"), "--tokens", str(folder / "tokens.json")) as guarded:
        page = browser.new_page()
        page.goto(guarded.url)
        expect(page.locator("#status.error")).to_contain_text("access token", timeout=PATIENCE)
        page.locator("#token").fill(token)
        page.locator("#token").press("Enter")
        expect(page.locator("#about-model")).to_contain_text("tiny", timeout=PATIENCE)
        drop(page, folder / "street.png")
        page.wait_for_selector("body[data-done]", timeout=PATIENCE)
        page.close()


def test_the_vectors_hold_in_the_browser(page: Page) -> None:
    script = (Path(__file__).parent / "check.js").read_text()
    page.route("**/check.js", lambda route: route.fulfill(body=script, content_type="text/javascript"))
    names = ("keys", "derivation", "keystream", "ciphers", "container")
    vectors = {name: json.loads((ROOT / "spec" / "vectors" / f"{name}.json").read_text()) for name in names}
    result = page.evaluate(
        "async vectors => (await import('/check.js')).check(name => import('/' + name), vectors)", vectors
    )
    assert result["wrong"] == []
    assert result["cases"] > 100


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1200])
def test_it_fits(browser: Browser, service: Service, folder: Path, scheme: str, width: int) -> None:
    """No sideways scrolling, and a picture to look at where VEILSEG_SCREENSHOTS names a folder."""
    with browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme) as context:  # type: ignore[arg-type]
        for page in watched(context, service):
            drop(page, folder / "street.png")
            page.wait_for_selector("body[data-done]")
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            if shots := os.environ.get("VEILSEG_SCREENSHOTS"):
                page.screenshot(path=f"{shots}/{scheme}-{width}.png", full_page=True)
