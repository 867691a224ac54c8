"""A browser, a service with two models, and the page between them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from tests.service import Service, running
from tests.tiny_onnx import CANONICAL, split_stem, tiny_model
from tests.web.page import watched
from tests.web.tap import Tap, tapped
from veilseg.data.scenes import generate_scene
from veilseg.inputspec import InputSpec
from veilseg.keys import Key
from veilseg.models.encryption.onnx_stem import encrypt_onnx

SIZE = (240, 320)


@pytest.fixture(scope="module")  # no longer: while it lives, asyncio.run is refused, which other tests call
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


@pytest.fixture(scope="session")
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
    split_stem(tiny_model(made / "plain", InputSpec()))
    encrypt_onnx(made / "plain", key, made / "encrypted")
    return made


@pytest.fixture(scope="session")
def service(folder: Path) -> Iterator[Service]:
    with running(folder, "default", f"encrypted={folder / 'encrypted'}") as started:
        yield started


@pytest.fixture
def tap(service: Service) -> Iterator[Tap]:
    with tapped(service.port) as started:
        yield started


@pytest.fixture
def page(browser: Browser, service: Service, tap: Tap) -> Iterator[Page]:
    """The page by way of the tap, watched: nothing may be asked from elsewhere, and nothing may fail in it."""
    with browser.new_context(viewport={"width": 1200, "height": 1000}) as context:
        yield from watched(context, replace(service, url=tap.url))
