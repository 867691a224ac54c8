"""The web client in a real headless Chromium: what goes wrong is shown, and nothing is sent that should not be."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

import veilseg
from tests.service import running
from tests.web.page import PATIENCE, drop
from veilseg.server.tokens import TokenFile


def test_errors_are_shown(page: Page, folder: Path) -> None:
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
    responses = iter([lambda route: route.fulfill(status=429, headers={"Retry-After": "1"}, body="{}")])
    page.route("**/v1/segment**", lambda route: next(responses, lambda r: r.continue_())(route))
    drop(page, folder / "street.png")
    page.wait_for_selector("body[data-done]")
    expect(page.locator("#status.error")).to_have_count(0)


def test_a_service_that_asks_for_too_much_gets_nothing(page: Page, folder: Path) -> None:
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.method))

    def weaken(route) -> None:
        response = route.fetch()
        data = response.json()
        data["input"]["sub_block"] = 1
        route.fulfill(response=response, json=data)

    page.route("**/v1/model", weaken)
    page.reload()
    expect(page.locator("#about-model")).to_contain_text("1 px")
    expect(page.locator("#status.error")).to_contain_text("Nothing is sent")
    drop(page, folder / "street.png")
    expect(page.locator("#file-name")).to_contain_text("street.png")
    expect(page.locator("#status.error")).to_contain_text("Nothing is sent")
    assert "POST" not in sent


def test_a_failure_beside_the_page_is_shown(page: Page, folder: Path) -> None:
    script = "export const canonicalize = () => { throw new Error('unforeseen'); };"
    script += "export const sortedChannels = 0, orderChannels = 0;"
    page.route("**/sorting.js", lambda route: route.fulfill(body=script, content_type="text/javascript"))
    page.reload()
    expect(page.locator("#about-model")).to_contain_text("default")
    drop(page, folder / "street.png")
    expect(page.locator("#status.error")).to_contain_text("failed in this page: unforeseen")


def test_what_an_earlier_photograph_gave_is_gone_when_the_next_one_fails(page: Page, folder: Path) -> None:
    page.set_input_files("#file", folder / "street.png")
    page.wait_for_selector("body[data-done]")
    page.route("**/v1/segment**", lambda route: route.abort())
    page.set_input_files("#file", folder / "street.png")  # the same file once more is a new attempt
    expect(page.locator("#status.error")).to_contain_text("cannot be reached")
    expect(page.locator("#result")).to_be_hidden()
    expect(page.locator("#sent")).to_be_hidden()
    page.unroute("**/v1/segment**")
    page.locator("#model").select_option("encrypted")
    expect(page.locator("#status.error")).to_contain_text("needs the key")
    expect(page.locator("#stage")).to_be_hidden()


@pytest.mark.parametrize(
    ("head", "message"),
    [
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC"),
        (b"\0\0\0\x18ftypisom\0\0\0\0isommp42", "a video"),
        (b"II*\0\x08\0\0\0", "TIFF"),
        (b"GIF89a\x01\0\x01\0", "GIF is not read"),
        (veilseg.cipher("mosaic").encrypt(np.zeros((16, 16, 3), np.uint8)).to_bytes(), "encrypted already"),
    ],
)
def test_files_that_are_not_taken_are_named(page: Page, tmp_path: Path, head: bytes, message: str) -> None:
    (tmp_path / "photo").write_bytes(head + bytes(100))
    drop(page, tmp_path / "photo")
    expect(page.locator("#status.error")).to_contain_text(message)


def test_a_service_that_is_down_is_reported_as_that(browser: Browser, folder: Path) -> None:
    """The page has all of its parts by then."""
    page = browser.new_page()
    with running(folder, str(folder / "tiny")) as service:
        page.goto(service.url)
        expect(page.locator("#about-model")).to_contain_text("tiny", timeout=PATIENCE)
    drop(page, folder / "street.png")
    expect(page.locator("#status.error")).to_contain_text("The service cannot be reached", timeout=PATIENCE)
    expect(page.locator("#stage")).to_be_visible()  # what would have been sent
    page.locator("#sample").click()
    expect(page.locator("#status.error")).to_contain_text("The service cannot be reached", timeout=PATIENCE)
    page.close()


def test_a_page_that_was_not_loaded_whole_says_so(page: Page) -> None:
    page.route("**/worker.js", lambda route: route.abort())
    page.reload()
    expect(page.locator("#status.error")).to_contain_text("not loaded whole")


def test_an_old_error_goes_when_a_new_run_starts(page: Page, folder: Path) -> None:
    page.set_input_files("#file", {"name": "no.png", "mimeType": "image/png", "buffer": b"no picture"})
    expect(page.locator("#status.error")).to_contain_text("cannot read")
    with page.expect_request("**/v1/segment**") as sent:
        page.route("**/v1/segment**", lambda route: None)  # it never answers
        drop(page, folder / "street.png")
    assert sent.value.method == "POST"
    expect(page.locator("#status")).to_contain_text("Sending")
    expect(page.locator("#status.error")).to_have_count(0)
    page.locator("#cancel").click()
    expect(page.locator("#status")).to_be_hidden()


def test_no_token_a_wrong_one_and_the_right_one(browser: Browser, folder: Path) -> None:
    (folder / "tokens.json").unlink(missing_ok=True)
    token = TokenFile(folder / "tokens.json").add("visitor")
    with running(folder, str(folder / "tiny"), "--tokens", str(folder / "tokens.json")) as guarded:
        page = browser.new_page()
        page.set_default_timeout(PATIENCE)
        page.goto(guarded.url)
        expect(page.locator("#status.error")).to_have_text("The service asks for an access token.")
        page.locator("#token").fill("veilseg-token-1-nonsense")
        page.locator("#token").press("Enter")
        expect(page.locator("#status.error")).to_have_text("The service does not know this access token.")
        page.locator("#token").fill(token)
        page.locator("#token").press("Enter")
        expect(page.locator("#about-model")).to_contain_text("tiny")
        drop(page, folder / "street.png")
        page.wait_for_selector("body[data-done]")
        page.close()
