"""COCO: overlapping polygons, parts, holes as run lengths, crowds, and files that are broken."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from pycocotools import mask as coco

from tests.data.importing.conftest import SIZE, Desk, Imported
from veilseg.errors import InvalidDataError, UsageError

CATEGORIES = [{"id": 7, "name": "road"}, {"id": 3, "name": "car"}]


def box(left: int, top: int, right: int, bottom: int) -> list[int]:
    """A polygon that covers columns left to right and rows top to bottom, the last ones excluded."""
    return [left, top, right, top, right, bottom, left, bottom]


def run_lengths(mask: np.ndarray) -> dict[str, Any]:
    """Uncompressed: column by column, beginning with what is not covered."""
    flat = np.concatenate([[0], mask.ravel(order="F"), [2]])
    changes = np.flatnonzero(np.diff(flat.astype(int)))
    counts = np.diff(np.concatenate([[0], changes])).tolist()
    return {"size": list(mask.shape), "counts": counts}


def file(desk: Desk, *annotations: dict[str, Any], **more: Any) -> None:
    rows = [{"id": index, "image_id": 1, **row} for index, row in enumerate(annotations)]
    image = {"id": 1, "file_name": "a.jpg", "height": SIZE[0], "width": SIZE[1]}
    desk.write("instances.json", {"images": [image], "annotations": rows, "categories": CATEGORIES, **more})


def imported(desk: Desk, **choices: Any) -> Imported:
    return desk.run("coco:instances.json", choices=choices)


def test_smaller_shapes_lie_over_larger_ones_and_crowds_below(desk: Desk) -> None:
    desk.photo("a.jpg")
    crowd = np.zeros(SIZE, bool)
    crowd[6:] = True
    file(
        desk,
        {"category_id": 3, "segmentation": [box(2, 2, 4, 4), box(8, 2, 10, 4)]},  # two parts, below in the file
        {"category_id": 7, "segmentation": [box(0, 1, 12, 7)]},
        {"category_id": 3, "segmentation": run_lengths(crowd), "iscrowd": 1},
    )
    made = imported(desk)
    assert made.classes == ("background", "road", "car")
    assert made.rows("a") == [
        "000000000000",
        "111111111111",
        "112211112211",
        "112211112211",
        "111111111111",
        "111111111111",
        "111111111111",
        "222222222222",
    ]


def test_holes_are_kept_in_both_kinds_of_run_lengths(desk: Desk) -> None:
    ring = np.ones(SIZE, bool)
    ring[3:5, 4:8] = False
    packed = coco.encode(np.asfortranarray(ring.astype(np.uint8)))
    for segmentation in (run_lengths(ring), {"size": list(SIZE), "counts": packed["counts"].decode()}):
        desk.photo("a.jpg")
        file(desk, {"category_id": 7, "segmentation": segmentation})
        made = imported(desk, background="ignore")
        assert made.classes == ("road", "car")
        assert made.rows("a") == [("0000....0000" if row in (3, 4) else "0" * 12) for row in range(8)]
        made.folder.rename(desk.root / f"out-{type(segmentation['counts']).__name__}")


def test_an_image_without_shapes_is_background_and_said(desk: Desk) -> None:
    desk.photo("a.jpg")
    file(desk)
    made = imported(desk, background="road")
    assert made.classes == ("road", "car")
    assert set(made.rows("a")) == {"0" * 12}
    assert made.written.remarks[0] == "1 images have no shape, and are all background: a.jpg"


@pytest.mark.parametrize("turned", [True, False])
def test_exif(desk: Desk, turned: bool) -> None:
    """A photograph that is shown 8 wide and 12 high, labelled as it lies in the file, or as it is shown."""
    desk.photo("a.jpg", orientation=6)
    size = (12, 8) if turned else SIZE
    image = {"id": 1, "file_name": "a.jpg", "height": size[0], "width": size[1]}
    file(desk, {"category_id": 7, "segmentation": [box(0, 0, size[1], 2)]}, images=[image])
    rows = imported(desk).rows("a")
    assert rows == (["1" * 8] * 2 + ["0" * 8] * 10 if turned else ["000000" + "11"] * 12)


@pytest.mark.parametrize(
    ("row", "what"),
    [
        ({"category_id": 9, "segmentation": [box(0, 0, 3, 3)]}, "of a category that the file lacks"),
        ({"category_id": 7}, "it has no segmentation"),
        ({"category_id": 7, "segmentation": []}, "it has no segmentation"),
        ({"category_id": 7, "segmentation": [[0, 0, 3, 3]]}, "it has a shape of 2 points, where 3 are needed"),
        ({"category_id": 7, "segmentation": [[0, 0, 3, 3, 1]]}, "no pairs of numbers"),
        ({"category_id": 7, "segmentation": [[0, 0, "a", 3, 1, 1]]}, "no pairs of numbers"),
        ({"category_id": 7, "segmentation": [[0, 0, 1e9, 3, 1, 1]]}, "far outside"),
        ({"category_id": 7, "segmentation": {"size": [8, 11], "counts": [88]}}, r"for \[8, 11\], not for \[8, 12\]"),
        ({"category_id": 7, "segmentation": {"size": [8, 12], "counts": [88]}}, "do not add up"),
        ({"category_id": 7, "segmentation": {"size": [8, 12], "counts": [-1, 97]}}, "that are no numbers"),
        ({"category_id": 7, "segmentation": {"size": [8, 12], "counts": "\u20ac"}}, "whose segmentation is none"),
        ({"category_id": 7, "segmentation": {"size": [8, 12], "counts": "ooooooo"}}, "whose segmentation is none"),
    ],
)
def test_broken_shapes_name_themselves(desk: Desk, row: dict[str, Any], what: str) -> None:
    desk.photo("a.jpg")
    file(desk, {"category_id": 3, "segmentation": [box(0, 0, 3, 3)]}, row)
    made = imported(desk)
    (fault,) = made.faults
    assert fault.startswith("instances.json, image 1 (a.jpg): has ")
    assert "shape 1" in fault
    assert re.search(what, fault)
    assert not made.folder.exists()


def test_photographs_and_shapes_that_do_not_go(desk: Desk) -> None:
    for name in ("a.jpg", "b.jpg", "train/of.jpg", "stray.jpg", "x/twice.jpg", "y/twice.jpg"):
        desk.photo(name)
    size = {"height": 8, "width": 12}
    images = [
        {"id": 1, "file_name": "a.jpg", **size},
        {"id": 2, "file_name": "missing.jpg", **size},
        {"id": 3, "file_name": "twice.jpg", **size},
        {"id": 4, "file_name": "x/twice.jpg", **size},
        {"id": 5, "file_name": "val/of.jpg", **size},
        {"id": 6, "file_name": "../photos/x/b.jpg", **size},
    ]
    file(desk, {"category_id": 7, "segmentation": [box(0, 0, 3, 3)], "image_id": 99}, images=images)
    faults = [fault.partition(" in /")[0] for fault in imported(desk).faults]
    assert faults == [
        "missing.jpg: there is no photograph missing.jpg",
        "twice.jpg: there are 2 photographs called twice.jpg",
        "of.jpg: there is no photograph val/of.jpg",
        "instances.json: 1 shapes of image 99, which the file lacks",
        "stray.jpg: a photograph without a label",
        "of.jpg: a photograph without a label",
        "twice.jpg: a photograph without a label",
    ]


@pytest.mark.parametrize(
    "content", ["{", "[]", "{}", {"images": [], "annotations": [], "categories": []}, {"images": 1}]
)
def test_files_that_are_no_coco(desk: Desk, content: Any) -> None:
    desk.photo("a.jpg")
    desk.write("instances.json", content)
    with pytest.raises(InvalidDataError, match=r"instances\.json"):
        imported(desk)


def test_panoptic_files_and_missing_ones_are_named(desk: Desk) -> None:
    desk.photo("a.jpg")
    with pytest.raises(UsageError, match="there is no file"):
        imported(desk)
    file(desk, {"segments_info": []})
    with pytest.raises(InvalidDataError, match="panoptic"):
        imported(desk)


def test_a_table_gives_order_and_colours(desk: Desk) -> None:
    desk.photo("a.jpg")
    file(desk, {"category_id": 7, "segmentation": [box(0, 0, 12, 8)]})
    made = desk.run("coco:instances.json", table="car,1,2,3\nroad,4,5,6\n", choices={"background": "ignore"})
    assert made.classes == ("car", "road")
    assert set(made.rows("a")) == {"1" * 12}
    with pytest.raises(InvalidDataError, match="classes that the table lacks: road"):
        desk.run("coco:instances.json", table="car\n")
