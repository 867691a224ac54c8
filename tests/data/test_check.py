"""The dataset check: broken datasets, every fault with its file, and what is counted."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.data.conftest import Write
from veilseg.data import check_data, open_data
from veilseg.data.registry import find_data, open_unchecked
from veilseg.errors import InvalidDataError


def describe(root: Path) -> None:
    (root / "classes.json").write_text(json.dumps({"classes": ["a", "b", "c"]}))


def said(root: Path | str) -> list[str]:
    """The faults of a folder, with their files' names alone."""
    spec = root if isinstance(root, str) else f"folder:{root}"
    return [f"{Path(fault.file).name}: {fault.what}" for fault in check_data(open_unchecked(spec)).faults]


def rotated(path: Path, size: tuple[int, int], orientation: int = 6) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.new("RGB", size).save(path, exif=exif)


def test_nothing_wrong(write_pair: Write) -> None:
    root = write_pair("images", "labels", "one", 2)
    describe(root)
    assert said(root) == []
    assert said("scenes:1") == []


def test_ids_out_of_range_are_listed(write_pair: Write) -> None:
    label = np.array([[0, 1, 7], [9, 2, 255]], np.uint8).repeat(3, 0)[:, [0, 1, 2, 0, 1, 2, 0, 1]]
    root = write_pair("images", "labels", "bad", label)
    describe(root)
    assert said(root) == ["bad.png: the label holds ids 7, 9, but the last class is 2"]


def test_camvid_ids_beyond_void(write_pair: Write) -> None:
    root = write_pair("val", "valannot", "bad", 12)
    assert said(f"camvid:{root}") == ["bad.png: the label holds ids 12, but the last class is 10"]


def test_sizes_that_differ(write_pair: Write) -> None:
    root = write_pair("images", "labels", "odd", np.zeros((5, 8), np.uint8))
    describe(root)
    assert said(root) == ["odd.png: the label has 8x5 pixels, but its photograph 8x6"]


def test_labels_that_are_not_8_bit_ids(write_pair: Write) -> None:
    write_pair("images", "labels", "colour", np.zeros((6, 8, 3), np.uint8))
    root = write_pair("images", "labels", "deep", np.zeros((6, 8), np.uint16))
    describe(root)
    assert said(root) == [
        "colour.png: is a label map in mode RGB, not one 8-bit class id per pixel",
        "deep.png: is a label map in mode I;16, not one 8-bit class id per pixel",
    ]


def test_files_that_are_no_images(write_pair: Write) -> None:
    for stem in ("image", "label", "short", "both"):
        root = write_pair("images", "labels", stem)
    describe(root)
    for name in ("images/image.png", "images/both.png"):
        (root / name).write_bytes(b"not a picture")
    for name in ("labels/label.png", "labels/both.png"):
        (root / name).write_bytes(b"")
    noise = np.random.default_rng(0).integers(0, 3, (64, 64), np.uint8)
    Image.fromarray(noise).save(root / "labels" / "short.png")
    whole = (root / "labels" / "short.png").read_bytes()
    (root / "labels" / "short.png").write_bytes(whole[: len(whole) // 2])
    unread = "cannot be read as an image: this is not an image, or not one in a format that is read"
    assert said(root) == [
        f"both.png: {unread}",
        "both.png: cannot be read as a label map",
        f"image.png: {unread}",
        "label.png: cannot be read as a label map",
        "short.png: cannot be read as a label map",
    ]


def test_everything_is_said_at_once(write_pair: Write) -> None:
    """Also without classes.json, whose classes are counted in labels of which one cannot be read."""
    for stem in ("whole", "lonely", "broken", "odd"):
        root = write_pair("images", "labels", stem, 1)
    write_pair("images", "labels", "odd", np.ones((5, 8), np.uint8))
    write_pair("images", "labels", "whole", 1, suffix=".jpg")
    (root / "images" / "whole.png").unlink()
    (root / "labels" / "lonely.png").rename(root / "labels" / "stray.png")
    (root / "labels" / "broken.png").write_bytes(b"")
    Image.new("RGB", (8, 6)).save(root / "images" / "odd.jpg")
    assert said(root) == [
        "odd.png: differs from odd.jpg in its suffix only",
        "lonely.png: a photograph without a label",
        "stray.png: a label without a photograph",
        "broken.png: cannot be read as a label map",
        "odd.png: the label has 8x5 pixels, but its photograph 8x6",
    ]
    with pytest.raises(InvalidDataError, match=r"differs from odd.jpg.*odd.png, and 3 faults more") as error:
        open_data(f"folder:{root}")
    assert "veilseg data check" in str(error.value.hint)


def test_only_the_formats_that_are_meant_are_opened(write_pair: Write) -> None:
    """Whatever a file is called: Pillow would open dozens, and hand EPS to Ghostscript."""
    for stem in ("image", "label"):
        root = write_pair("images", "labels", stem)
    describe(root)
    for name, mode in (("images/image.png", "RGB"), ("labels/label.png", "L")):
        Image.new(mode, (8, 6)).save(root / name, format="PPM")
    assert len(said(root)) == 2


def test_photographs_are_turned_as_encryption_turns_them(write_pair: Write) -> None:
    root = write_pair("images", "labels", "a", 1, suffix=".jpg")
    rotated(root / "images" / "a.jpg", (6, 8))  # a camera held upright
    assert open_data(f"folder:{root}")[0].image.shape == (6, 8, 3)


def test_labels_drawn_on_a_photograph_that_was_not_turned(write_pair: Write) -> None:
    root = write_pair("images", "labels", "a", 1, suffix=".jpg")
    describe(root)
    rotated(root / "images" / "a.jpg", (8, 6))
    (fault,) = said(root)
    assert fault.startswith("a.png: the label has 8x6 pixels, but its photograph 6x8, turned by EXIF: ")
    rotated(root / "images" / "a.jpg", (8, 6), 3)  # upside down, which its size does not tell
    report = check_data(open_data(f"folder:{root}"))
    assert report.faults == []
    assert report.remarks[-1].startswith("EXIF turns photographs in a way that sizes do not tell")
    rotated(root / "labels" / "a.png", (8, 6))
    Image.new("L", (8, 6)).save(root / "labels" / "a.png", exif=_exif())
    assert said(root) == ["a.png: the label is turned by EXIF, which labels are read without: save it upright"]


def _exif() -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = 6
    return exif


def test_labels_without_a_label(write_pair: Write) -> None:
    root = write_pair("images", "labels", "void", 255)
    describe(root)
    assert said(root) == ["void.png: every pixel is ignored"]


def test_limit(write_pair: Write) -> None:
    for stem in "abc":
        root = write_pair("images", "labels", stem, 5)
    describe(root)
    assert len(check_data(open_data(f"folder:{root}"), limit=2).faults) == 2


def test_palette_labels_are_read_as_ids(write_pair: Write) -> None:
    root = write_pair("images", "labels", "a")
    describe(root)
    label = Image.fromarray(np.full((6, 8), 2, np.uint8))
    label.putpalette([200, 10, 10] * 256)
    label.save(root / "labels" / "a.png")
    assert (open_data(f"folder:{root}")[0].label == 2).all()


def test_what_is_counted(write_pair: Write) -> None:
    mixed = np.array([0] * 4 + [255] * 4, np.uint8)[None].repeat(6, 0)
    for stem, label in (("a", 0), ("b", mixed), ("c", 255)):
        root = write_pair("images", "labels", stem, label)
    Image.new("RGB", (16, 12)).save(root / "images" / "d.png")
    Image.new("L", (16, 12), 255).save(root / "labels" / "d.png")
    describe(root)
    report = check_data(open_data(f"folder:{root}"))
    assert (report.pixels[0], report.pixels[255]) == (72, 24 + 48 + 192)
    assert report.images[[0, 1, 255]].tolist() == [2, 0, 3]
    assert report.sizes == {(8, 6): 3, (16, 12): 1}
    assert report.absent == ["b", "c"]
    assert report.faulty == {2, 3}
    assert report.remarks == [
        "no pixel belongs to b, c; 255 means ignored: masks of 0 and 255 are written as 0 and 1",
        "79% of the pixels are ignored (255)",
    ]
    told = report.to_dict()
    assert told["classes"][0] == {"id": 0, "name": "a", "pixels": 72, "images": 2}  # type: ignore[index]
    json.dumps(told)


def test_all_parts_of_a_folder_are_found(write_pair: Write) -> None:
    for split in ("train", "val"):
        root = write_pair(f"{split}/images", f"{split}/labels", "a", 1)
    assert [data.name.rpartition("/")[2] for data in find_data(str(root))] == ["train", "val"]
    assert [data.name.rpartition("/")[2] for data in find_data(f"folder:{root}", "val")] == ["val"]
    assert [data.name for data in find_data("scenes:1")] == ["scenes:1:0"]
