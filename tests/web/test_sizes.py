"""The page's working size in a real Chromium: it sends what Python sends, and the label map fits the photograph."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, Route, expect

import veilseg
from tests.profiles import display_p3
from tests.web.page import saved
from tests.web.tap import Tap
from veilseg.cells import describe_cells
from veilseg.ciphers import EncryptedImage
from veilseg.data.scenes import generate_scene
from veilseg.images import open_image
from veilseg.runtime import Segmenter
from veilseg.scale import enlarge_labels

SIZE = (750, 1000)


@pytest.fixture(scope="module")
def scene() -> np.ndarray:
    return generate_scene(4, size=SIZE).image


def segmented(page: Page, path: Path, tap: Tap) -> EncryptedImage:
    """What the page sends for a photograph."""
    page.set_input_files("#file", path)
    page.wait_for_selector("body[data-done]")
    return EncryptedImage.from_bytes(tap.image().body)


def expected(photo: np.ndarray, longer_side: int = 480) -> EncryptedImage:
    return veilseg.cipher("subblock-sort").encrypt(photo, longer_side=longer_side)


def test_a_png_becomes_the_same_pixels_as_in_python(page: Page, scene: np.ndarray, tmp_path: Path, tap: Tap) -> None:
    Image.fromarray(scene).save(tmp_path / "photo.png")
    image, reference = segmented(page, tmp_path / "photo.png", tap), expected(scene)
    assert image.header == reference.header
    assert (image.pixels == reference.pixels).all()
    sentence = "40 x 30 cells; writing lower than 12 pixels of this picture (25 of your photograph) is below one cell"
    expect(page.locator("#cells")).to_have_text(sentence)
    assert sentence == describe_cells(image.header.spec, 360, 480, max(SIZE))
    expect(page.locator("#warning")).to_be_empty()

    labels = Segmenter("default").segment(reference)
    map_ = saved(page, "#save-labels", tmp_path)
    assert map_.name == "photo-labels.png"
    with Image.open(map_) as opened:
        assert opened.mode == "P"
        assert opened.size == SIZE[::-1]
        assert (np.asarray(opened) == enlarge_labels(labels, *SIZE)).mean() > 0.995
        palette: np.ndarray = np.reshape(opened.getpalette() or [], (-1, 3))
    assert (palette[: len(Segmenter("default").classes)] == Segmenter("default").palette).all()
    with Image.open(saved(page, "#save-overlay", tmp_path)) as overlay:
        assert overlay.size == SIZE[::-1]
        mixed = 0.4 * scene + 0.6 * palette[enlarge_labels(labels, *SIZE)]
        assert np.abs(np.asarray(overlay.convert("RGB")) - mixed).mean() < 1
    legend = saved(page, "#save-legend", tmp_path).read_text().splitlines()
    assert legend[0] == "id,class,red,green,blue,percent"
    assert len(legend) == 1 + len(np.unique(labels))
    assert saved(page, "#save", tmp_path).read_bytes() == tap.image().body


def test_a_jpeg_gives_the_same_label_map(page: Page, scene: np.ndarray, tmp_path: Path, tap: Tap) -> None:
    """Chromium decodes JPEG almost, but not quite, as Pillow does."""
    Image.fromarray(scene).save(tmp_path / "photo.jpg", quality=92)
    image, segmenter = segmented(page, tmp_path / "photo.jpg", tap), Segmenter("default")
    theirs = segmenter.segment(expected(open_image(tmp_path / "photo.jpg")))
    assert (segmenter.segment(image) == theirs).mean() >= 0.995


def test_a_photograph_is_turned_upright(page: Page, scene: np.ndarray, tmp_path: Path, tap: Tap) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise
    Image.fromarray(scene[:, :700]).save(tmp_path / "photo.jpg", quality=92, exif=exif)
    image = segmented(page, tmp_path / "photo.jpg", tap)
    upright = open_image(tmp_path / "photo.jpg")
    assert upright.shape == (700, 750, 3)
    assert image.header == expected(upright).header
    difference = image.pixels.astype(int) - expected(upright).pixels
    assert np.abs(difference).mean() < 1


def test_the_size_can_be_chosen_and_what_is_finer_is_warned_of(
    page: Page, scene: np.ndarray, tmp_path: Path, tap: Tap
) -> None:
    Image.fromarray(scene).save(tmp_path / "photo.png")
    page.select_option("#side", label="original")
    image = segmented(page, tmp_path / "photo.png", tap)
    assert (image.pixels == expected(scene, 0).pixels).all()
    cells = "84 x 63 cells; writing lower than 12 pixels of this picture is below one cell"
    expect(page.locator("#cells")).to_have_text(cells)
    expect(page.locator("#warning")).to_contain_text("84 cells along the longer side, where 40 are usual")
    page.select_option("#side", label="240 px")
    expect(page.locator("#cells")).to_contain_text("20 x 15 cells")
    expect(page.locator("#warning")).to_be_empty()


def ask_for(page: Page, longer_side: int) -> None:
    """Have the service ask for pictures of another size."""

    def changed(route: Route) -> None:
        response = route.fetch()
        description = response.json()
        description["input"]["longer_side"] = longer_side
        route.fulfill(response=response, json=description)

    page.route("**/v1/model", changed)
    page.reload()
    text = f"{longer_side} px" if longer_side else "original"
    expect(page.locator("#side option").first).to_have_text(f"{text}, as the model")


def test_the_model_says_the_size(page: Page, scene: np.ndarray, tmp_path: Path, tap: Tap) -> None:
    Image.fromarray(scene).save(tmp_path / "photo.png")
    ask_for(page, 320)
    assert segmented(page, tmp_path / "photo.png", tap).header.width == 320


@pytest.mark.parametrize("longer_side", [0, 960])
def test_a_service_gets_no_finer_pictures_unasked(
    page: Page, scene: np.ndarray, tmp_path: Path, tap: Tap, longer_side: int
) -> None:
    Image.fromarray(scene).save(tmp_path / "photo.png")
    ask_for(page, longer_side)
    page.set_input_files("#file", tmp_path / "photo.png")
    expect(page.locator("#status.error")).to_contain_text("which show more than usual. Nothing is sent.")
    expect(page.locator("#status.error")).to_contain_text("480 pixels show no more than the default")  # 40 cells of 12
    assert not any(request.sends_image for request in tap.requests())
    page.select_option("#side", label="640 px")
    page.wait_for_selector("body[data-done]")
    assert EncryptedImage.from_bytes(tap.image().body).header.width == 640


def test_more_than_the_service_takes_is_not_sent(page: Page, tmp_path: Path, tap: Tap) -> None:
    Image.new("RGB", (4000, 3000)).save(tmp_path / "large.png")
    page.select_option("#side", label="original")
    page.set_input_files("#file", tmp_path / "large.png")
    expect(page.locator("#status.error")).to_contain_text("4000 x 3000 pixels are more than the service takes")
    assert not any(request.sends_image for request in tap.requests())


def test_a_smaller_photograph_stays_as_it_is(page: Page, folder: Path, tap: Tap) -> None:
    image = segmented(page, folder / "street.png", tap)
    assert (image.header.height, image.header.width) == (240, 320)
    expect(page.locator("#cells")).to_have_text(
        "27 x 20 cells; writing lower than 12 pixels of this picture is below one cell"
    )


@pytest.mark.parametrize("mode", ["RGB", "CMYK"])
def test_colours_become_those_of_python(page: Page, scene: np.ndarray, tmp_path: Path, tap: Tap, mode: str) -> None:
    """Display P3, as phones write it, and inks without a profile: to a few levels, since two libraries convert."""
    profile = display_p3() if mode == "RGB" else None
    Image.fromarray(scene[:240, :320]).convert(mode).save(tmp_path / "photo.jpg", quality=95, icc_profile=profile)
    image = segmented(page, tmp_path / "photo.jpg", tap)
    with warnings.catch_warnings(action="ignore"):
        theirs = expected(open_image(tmp_path / "photo.jpg"))
    difference = np.abs(image.pixels.astype(int) - theirs.pixels).mean()
    assert difference < 0.5
    untouched = np.abs(expected(scene[:240, :320]).pixels.astype(int) - theirs.pixels).mean()
    assert untouched > 3 * difference


def test_sixteen_bits_become_eight_and_that_is_said(page: Page, tmp_path: Path, tap: Tap) -> None:
    Image.fromarray(np.full((64, 64), 0x8040, np.uint16)).save(tmp_path / "deep.png")
    image = segmented(page, tmp_path / "deep.png", tap)
    assert (image.pixels == 0x80).all()
    expect(page.locator("#warning")).to_contain_text("16 bits")
