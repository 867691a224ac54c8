"""The page in a browser, as the tests use it: watched, given photographs, looked at."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import BrowserContext, Page, expect

from tests.service import Service

PATIENCE = 12_000  # milliseconds, on a busy machine


def watched(context: BrowserContext, service: Service) -> Iterator[Page]:
    """A page that may ask for nothing elsewhere, and in which nothing may fail."""
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
    """The colour of one pixel of a canvas."""
    script = "([s, x, y]) => [...document.querySelector(s).getContext('2d').getImageData(x, y, 1, 1).data].slice(0, 3)"
    return page.evaluate(script, [selector, x, y])


def saved(page: Page, button: str, folder: Path) -> Path:
    """The file that a button has the browser save."""
    with page.expect_download() as download:
        page.locator(button).click()
    path = folder / download.value.suggested_filename
    download.value.save_as(path)
    return path
