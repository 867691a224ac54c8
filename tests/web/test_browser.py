"""The web client in a real headless Chromium: load, drop, encrypt, segment, switch classes, and what goes wrong."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

import veilseg
from tests.service import Service, running
from tests.tiny_onnx import CANONICAL, split_stem, tiny_model
from veilseg.ciphers import EncryptedImage
from veilseg.data.scenes import generate_scene
from veilseg.keys import Key
from veilseg.modelspec import InputSpec
from veilseg.runtime import Segmenter, encrypt_onnx
from veilseg.server.tokens import TokenFile

ROOT = Path(__file__).parents[2]
SIZE = (240, 320)
PATIENCE = 120_000  # milliseconds, on a busy machine


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, or the one that VEILSEG_CHROMIUM names."""
    path = os.environ.get("VEILSEG_CHROMIUM") or shutil.which("chromium")
    if path is None:
        pytest.skip("no Chromium")
    with sync_playwright() as playwright:
        camera = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
        launched = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", *camera])
        yield launched
        launched.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A photograph with EXIF, a key, the models."""
    made = tmp_path_factory.mktemp("web")
    image = Image.fromarray(generate_scene(11, size=SIZE).image)
    exif = Image.Exif()
    exif[0x010F] = "SECRET CAMERA"
    image.save(made / "street.png", exif=exif)
    key = Key.generate()
    key.save(made / "my.key")
    tiny_model(made / "tiny", CANONICAL)
    split_stem(tiny_model(made / "open", InputSpec()))
    encrypt_onnx(made / "open", key, made / "locked")
    return made


@pytest.fixture(scope="module")
def service(folder: Path) -> Iterator[Service]:
    with running(folder, "default", f"locked={folder / 'locked'}") as started:
        yield started


@pytest.fixture
def page(browser: Browser, service: Service) -> Iterator[Page]:
    """The page, watched: nothing may be asked from elsewhere, and nothing may fail in it."""
    with browser.new_context(viewport={"width": 1200, "height": 1000}) as context:
        yield from watched(context, service)


def watched(context: BrowserContext, service: Service) -> Iterator[Page]:
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    expect.set_options(timeout=PATIENCE)
    asked: list[str] = []
    failed: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: failed.append(str(error)))
    page.goto(service.url)
    expect(page.locator("#about-model")).to_contain_text("default")
    yield page
    assert failed == []
    assert [url for url in asked if not url.startswith((service.url, "blob:"))] == []


def drop(page: Page, path: Path) -> None:
    """Drop a file on the page, as a mouse does."""
    data = page.evaluate_handle(
        """([bytes, name]) => {
            const data = new DataTransfer();
            data.items.add(new File([new Uint8Array(bytes)], name, { type: "image/png" }));
            return data;
        }""",
        [list(path.read_bytes()), path.name],
    )
    page.dispatch_event("#drop", "drop", {"dataTransfer": data})


def pixel(page: Page, selector: str, x: int, y: int) -> list[int]:
    script = "([s, x, y]) => [...document.querySelector(s).getContext('2d').getImageData(x, y, 1, 1).data].slice(0, 3)"
    return page.evaluate(script, [selector, x, y])


def test_a_photograph_is_encrypted_sent_and_segmented(page: Page, folder: Path, service: Service) -> None:
    with page.expect_request("**/v1/segment**") as sent:
        drop(page, folder / "street.png")
    page.wait_for_selector("body[data-done]")
    expect(page.locator("#truth")).to_contain_text("coarse picture")
    body = sent.value.post_data_buffer
    assert body is not None
    photo = np.asarray(Image.open(folder / "street.png"))
    expected = veilseg.cipher("subblock-sort", sub_block=8).encrypt(photo)
    image = EncryptedImage.from_bytes(body)
    assert image.header == expected.header
    assert (image.pixels == expected.pixels).all()
    assert b"SECRET" not in body
    assert b"street" not in body
    assert "street" not in json.dumps(sent.value.headers)

    labels = Segmenter("default").segment(expected)
    shares = page.locator("#legend button").all_inner_texts()
    assert len(shares) == len(np.unique(labels))
    facts = page.locator("#facts").inner_text()
    assert f"{len(body) / 1000:.0f} kB" in facts
    assert "EXIF" in facts
    assert "IHDR 13" in facts

    # Opacity 0 shows the photograph, opacity 1 the class's colour, a class switched off the photograph again.
    y, x = SIZE[0] - 20, SIZE[1] // 2
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


def test_the_slider_uncovers_the_photograph(page: Page, folder: Path) -> None:
    drop(page, folder / "street.png")
    page.wait_for_selector("body[data-done]")
    page.locator("#reveal").focus()
    page.keyboard.press("Home")
    assert page.locator("#compare").evaluate("it => it.style.getPropertyValue('--reveal')") == "0%"


def test_a_pasted_picture_and_the_camera(page: Page, folder: Path) -> None:
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
    with page.expect_request("**/v1/segment**") as sent:
        page.locator("#camera").click()
    assert EncryptedImage.from_bytes(sent.value.post_data_buffer or b"").header.cipher == "subblock-sort"
    page.wait_for_selector("body[data-done]")


def test_a_locked_model_needs_its_key_which_stays(page: Page, folder: Path) -> None:
    bodies: list[bytes] = []
    page.on("request", lambda request: bodies.append((request.post_data_buffer or b"") + request.url.encode()))
    page.locator("#model").select_option("locked")
    expect(page.locator("#key-row")).to_be_visible()
    expect(page.locator("#truth")).to_contain_text("does not reliably hide")
    page.set_input_files("#file", folder / "street.png")
    expect(page.locator("#status.error")).to_contain_text("needs the key")
    page.locator("#key").fill(str(Key.generate()))
    page.locator("#key").press("Tab")
    expect(page.locator("#status.error")).to_contain_text("belongs to the key")
    page.locator("#key").fill("veilseg-key-1-nonsense")
    page.locator("#key").press("Tab")
    expect(page.locator("#key-note")).to_contain_text("characters")
    assert not any(b"veilseg\0" in body for body in bodies)
    page.set_input_files("#key-file", folder / "my.key")
    page.wait_for_selector("body[data-done]")
    key = Key.load(folder / "my.key")
    (sent,) = [body for body in bodies if b"veilseg\0" in body]
    image = EncryptedImage.from_bytes(sent[: sent.rindex(b"IEND") + 8])
    assert (image.decrypt(key) == np.asarray(Image.open(folder / "street.png"))).all()
    assert not any(str(key).encode() in body for body in bodies)


def test_errors_are_said(page: Page, folder: Path) -> None:
    (folder / "no.png").write_bytes(b"no picture")
    drop(page, folder / "no.png")
    expect(page.locator("#status.error")).to_contain_text("cannot read")
    Image.new("RGBA", (20, 20), (0, 0, 0, 100)).save(folder / "glass.png")
    drop(page, folder / "glass.png")
    expect(page.locator("#status.error")).to_contain_text("transparent")
    page.route(
        "**/v1/segment**",
        lambda route: route.fulfill(status=504, body='{"error": {"message": "Too late.", "hint": "x"}}'),
    )
    drop(page, folder / "street.png")
    expect(page.locator("#status.error")).to_contain_text("Too late.")
    page.unroute("**/v1/segment**")
    page.route("**/v1/segment**", lambda route: route.abort())
    drop(page, folder / "street.png")
    expect(page.locator("#status.error")).to_contain_text("cannot be reached")
    page.unroute("**/v1/segment**")
    answers = iter([lambda route: route.fulfill(status=429, headers={"Retry-After": "1"}, body="{}")])
    page.route("**/v1/segment**", lambda route: next(answers, lambda r: r.continue_())(route))
    drop(page, folder / "street.png")
    page.wait_for_selector("body[data-done]")
    expect(page.locator("#status.error")).to_have_count(0)


def test_a_service_that_asks_for_too_much_gets_nothing(page: Page, folder: Path) -> None:
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.method))

    def weaken(route) -> None:
        answer = route.fetch()
        data = answer.json()
        data["input"]["sub_block"] = 1
        route.fulfill(response=answer, json=data)

    page.route("**/v1/model", weaken)
    page.reload()
    expect(page.locator("#about-model")).to_contain_text("1 px")
    drop(page, folder / "street.png")
    expect(page.locator("#status.error")).to_contain_text("Nothing is sent")
    assert "POST" not in sent


def test_tokens(browser: Browser, folder: Path) -> None:
    token = TokenFile(folder / "tokens.json").add("visitor")
    with running(folder, str(folder / "tiny"), "--tokens", str(folder / "tokens.json")) as guarded:
        page = browser.new_page()
        page.goto(guarded.url)
        expect(page.locator("#status.error")).to_contain_text("token", timeout=PATIENCE)
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
