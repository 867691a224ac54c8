"""The web client in a real headless Chromium: what goes wrong is shown, and nothing is sent that should not be."""

from __future__ import annotations

from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, expect

from tests.web.page import drop


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
