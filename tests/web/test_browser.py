"""The web client in a real headless Chromium: load, drop, encrypt, segment, switch classes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import Page, expect

import veilseg
from tests.web.page import drop, pixel
from tests.web.tap import Tap
from veilseg.ciphers import EncryptedImage
from veilseg.data.scenes import generate_scene
from veilseg.keys import Key
from veilseg.runtime import Segmenter

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
    assert pixel(page, "#overlay", x, y) == photo[y, x].tolist()
    page.locator("#opacity").fill("100")
    segmenter = Segmenter("default")
    assert pixel(page, "#overlay", x, y) == segmenter.palette[labels[y, x]].tolist()
    button = page.locator("#legend button", has_text=segmenter.classes[labels[y, x]])
    button.press("Enter")
    expect(button).to_have_attribute("aria-pressed", "false")
    assert pixel(page, "#overlay", x, y) == photo[y, x].tolist()
    button.press("Space")
    assert pixel(page, "#overlay", x, y) == segmenter.palette[labels[y, x]].tolist()


def test_a_pasted_picture(page: Page, folder: Path, tap: Tap) -> None:
    page.evaluate(
        """bytes => {
            const data = new DataTransfer();
            data.items.add(new File([new Uint8Array(bytes)], "image.png", { type: "image/png" }));
            document.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true }));
        }""",
        list((folder / "street.png").read_bytes()),
    )
    page.wait_for_selector("body[data-done]")
    assert EncryptedImage.from_bytes(tap.image().body).header.spec.cipher == "subblock-sort"


def test_a_photograph_may_come_before_the_service_has_answered(page: Page, folder: Path, tap: Tap) -> None:
    page.route("**/v1/model", lambda route: None)  # none is answered
    page.reload(wait_until="commit")
    expect(page.locator("#status")).to_contain_text("Asking")
    page.set_input_files("#file", folder / "street.png")
    assert not any(request.sends_image for request in tap.requests())
    page.unroute("**/v1/model")  # lets those that wait go on
    page.wait_for_selector("body[data-done]")
    page.wait_for_timeout(500)
    assert tap.image()
    expect(page.locator("#result")).to_be_visible()


def test_the_sample_is_a_generated_scene(page: Page, tap: Tap) -> None:
    sample = np.asarray(Image.open(ROOT / "src" / "veilseg" / "server" / "web" / "sample.jpg")).astype(int)
    assert np.abs(sample - generate_scene(2, size=sample.shape[:2]).image).mean() < 8  # JPEG's losses
    page.locator("#sample").click()
    page.wait_for_selector("body[data-done]")
    assert EncryptedImage.from_bytes(tap.image().body).header.width == 480


def test_files_that_are_dragged_over_the_page_are_awaited(page: Page) -> None:
    for event, dragged in (("dragenter", True), ("dragover", True), ("dragleave", False)):
        page.dispatch_event("h1", event)
        assert page.evaluate("document.body.classList.contains('dragged')") is dragged


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
