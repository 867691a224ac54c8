"""The dataset check: broken datasets, one clear sentence per problem."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from PIL import Image

from tests.data.conftest import Write
from veilseg.data import check_data, open_data


def describe(root: Path) -> None:
    (root / "classes.json").write_text(json.dumps({"classes": ["a", "b", "c"]}))


def test_nothing_wrong(write_pair: Write) -> None:
    root = write_pair("images", "labels", "one", 2)
    describe(root)
    assert check_data(open_data(f"folder:{root}")) == []
    assert check_data(open_data("scenes:1")) == []


def test_ids_out_of_range_are_listed(write_pair: Write) -> None:
    root = write_pair(
        "images",
        "labels",
        "bad",
        np.array([[0, 1, 7], [9, 2, 255]], np.uint8).repeat(3, 0)[:, [0, 1, 2, 0, 1, 2, 0, 1]],
    )
    describe(root)
    assert check_data(open_data(f"folder:{root}")) == ["bad: the label holds ids 7, 9, but the last class is 2."]


def test_camvid_ids_beyond_void(write_pair: Write) -> None:
    root = write_pair("val", "valannot", "bad", 12)
    assert check_data(open_data(f"camvid:{root}")) == ["bad: the label holds ids 12, but the last class is 10."]


def test_sizes_that_differ(write_pair: Write) -> None:
    root = write_pair("images", "labels", "odd", np.zeros((5, 8), np.uint8))
    describe(root)
    assert check_data(open_data(f"folder:{root}")) == ["odd: the image has 8x6 pixels, but its label 8x5."]


def test_labels_that_are_not_8_bit_ids(write_pair: Write) -> None:
    write_pair("images", "labels", "colour", np.zeros((6, 8, 3), np.uint8))
    root = write_pair("images", "labels", "deep", np.zeros((6, 8), np.uint16))
    describe(root)
    problems = check_data(open_data(f"folder:{root}"))
    assert len(problems) == 2
    assert "mode RGB, not one 8-bit class id per pixel" in problems[0]
    assert "mode I;16" in problems[1]


def test_files_that_are_no_images(write_pair: Write) -> None:
    for stem in ("image", "label", "short"):
        root = write_pair("images", "labels", stem)
    describe(root)
    (root / "images" / "image.png").write_bytes(b"not a picture")
    (root / "labels" / "label.png").write_bytes(b"")
    noise = np.random.default_rng(0).integers(0, 3, (64, 64), np.uint8)
    Image.fromarray(noise).save(root / "labels" / "short.png")
    whole = (root / "labels" / "short.png").read_bytes()
    (root / "labels" / "short.png").write_bytes(whole[: len(whole) // 2])
    problems = check_data(open_data(f"folder:{root}"))
    assert [problem.rsplit("/", 1)[1] for problem in problems] == [
        "image.png cannot be read as an image: this is not an image, or not one in a format that is read.",
        "label.png cannot be read as a label map.",
        "short.png cannot be read as a label map.",
    ]


def test_only_the_formats_that_are_meant_are_opened(write_pair: Write) -> None:
    """Whatever a file is called: Pillow would open dozens, and hand EPS to Ghostscript."""
    for stem in ("image", "label"):
        root = write_pair("images", "labels", stem)
    describe(root)
    for name, mode in (("images/image.png", "RGB"), ("labels/label.png", "L")):
        Image.new(mode, (8, 6)).save(root / name, format="PPM")
    assert len(check_data(open_data(f"folder:{root}"))) == 2


def test_photographs_are_turned_as_encryption_turns_them(write_pair: Write) -> None:
    root = write_pair("images", "labels", "a", 1, suffix=".jpg")
    exif = Image.Exif()
    exif[0x0112] = 6  # a camera held upright
    Image.new("RGB", (6, 8)).save(root / "images" / "a.jpg", exif=exif)
    assert open_data(f"folder:{root}")[0].image.shape == (6, 8, 3)


def test_labels_without_a_label(write_pair: Write) -> None:
    root = write_pair("images", "labels", "void", 255)
    describe(root)
    assert check_data(open_data(f"folder:{root}")) == ["void: every pixel is ignored."]


def test_limit(write_pair: Write) -> None:
    for stem in "abc":
        root = write_pair("images", "labels", stem, 5)
    describe(root)
    assert len(check_data(open_data(f"folder:{root}"), limit=2)) == 2


def test_palette_labels_are_read_as_ids(write_pair: Write) -> None:
    root = write_pair("images", "labels", "a")
    describe(root)
    label = Image.fromarray(np.full((6, 8), 2, np.uint8))
    label.putpalette([200, 10, 10] * 256)
    label.save(root / "labels" / "a.png")
    assert (open_data(f"folder:{root}")[0].label == 2).all()
