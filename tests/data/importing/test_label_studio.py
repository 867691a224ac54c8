"""Label Studio: polygons, rectangles, ellipses and brush strokes in percent of the photograph, and bad tasks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.data.importing.conftest import SIZE, Desk
from veilseg.data.importing.brush import read_brush
from veilseg.errors import InvalidDataError

# Written by label-studio-sdk 2.1.2, label_studio_sdk.converter.brush.mask2rle, of the mask that `stroke` draws.
RLE = [
    *[0, 0, 1, 176, 57, 27, 254, 107, 0, 194, 255, 248, 92, 3, 11, 255, 225, 112, 9, 255, 227, 0, 183, 255, 133],
    *[192, 48, 191, 254, 23, 0, 194, 255, 248, 236, 2, 63, 252, 86, 0],
]


def stroke() -> np.ndarray:
    mask = np.zeros((9, 12), bool)
    mask[2:7, 3:9] = True
    mask[4, 5] = False
    mask[8, 0] = True
    return mask


def result(kind: str, label: str, **value: Any) -> dict[str, Any]:
    return {
        "type": kind,
        "original_width": SIZE[1],
        "original_height": SIZE[0],
        "image_rotation": 0,
        "value": {kind: [label], **value},
    }


def task(image: str, *results: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"id": 5, "data": {"image": image}, "annotations": [{"result": list(results)}], **more}


ROAD = result("polygonlabels", "road", points=[[0, 0], [95, 0], [95, 95], [0, 95]])


def test_shapes_over_one_another(desk: Desk) -> None:
    desk.photo("a b.jpg")
    car = result("rectanglelabels", "car", x=100 / 3, y=25, width=25, height=25)
    dot = result("ellipselabels", "dot", x=75, y=75, radiusX=5, radiusY=5)
    point = result("keypointlabels", "nose", x=1, y=1)
    other = {"type": "choices", "value": {"choices": ["sunny"]}}
    desk.write("export.json", [task("/data/upload/1/0a1b2c3d-a%20b.jpg", ROAD, car, dot, point, other)])
    made = desk.run("label-studio:export.json")
    assert made.classes == ("background", "car", "dot", "road")
    rows = made.rows("a b")
    assert rows[0] == "3" * 12
    assert rows[3][4:8] == "1111"
    assert rows[6][9] == "2"
    assert made.written.remarks[0] == "1 points and lines have no area, and were not drawn"


@pytest.mark.parametrize("address", ["/data/local-files/?d=x/a.jpg", "https://host/x/a.jpg?token=1", "a.jpg"])
def test_addresses_of_photographs(desk: Desk, address: str) -> None:
    desk.photo("a.jpg")
    desk.write("export.json", [task(address, ROAD)])
    assert list(desk.run("label-studio:export.json").labels) == ["a"]


def test_brush_strokes(desk: Desk) -> None:
    assert np.array_equal(read_brush(RLE, (9, 12)), stroke())
    desk.photo("a.jpg", (9, 12))
    brush = result("brushlabels", "mud", rle=RLE, format="rle") | {"original_height": 9}
    desk.write("export.json", [task("a.jpg", brush)])
    assert np.array_equal(desk.run("label-studio:export.json").labels["a"] == 1, stroke())


@pytest.mark.parametrize(
    ("rle", "said"),
    [
        (None, "no list of bytes"),
        ([0, 0, 1, 300], "no list of bytes"),
        ([0, 0, 1], "ends too early"),
        (RLE[:-6], "ends too early"),
        ([0, 0, 1, 180, *RLE[4:]], "on another size"),
        ([*RLE[:4], 255, *RLE[5:]], "32-bit values"),
        ([0, 0, 1, 176, 57, 27, 255, 255, 255, 255, 255], "longer than its photograph"),
    ],
)
def test_brush_strokes_that_are_none(rle: Any, said: str) -> None:
    with pytest.raises(InvalidDataError, match=said):
        read_brush(rle, (9, 12))


def test_every_bad_task_is_named(desk: Desk) -> None:
    for name in "abcdefghi":
        desk.photo(f"{name}.jpg")
    turned = result("rectanglelabels", "car", x=1, y=1, width=9, height=9, rotation=30)
    two = result("polygonlabels", "road", points=ROAD["value"]["points"])
    two["value"]["polygonlabels"] = ["road", "car"]
    bad = [
        task("a.jpg", id=1, annotations=[]),
        task("b.jpg", id=2, annotations=[{"result": [ROAD]}, {"result": [ROAD]}]),
        task("c.jpg", id=3, annotations=[{"result": [ROAD], "was_cancelled": True}]),
        task("d.jpg", id=4),
        task("e.jpg", turned, id=5),
        task("f.jpg", ROAD | {"original_width": 11}, ROAD, id=6),
        task("g.jpg", two, id=7),
        task("missing.jpg", ROAD, id=8),
        task("h.jpg", ROAD | {"image_rotation": 90}, id=9),
        task("i.jpg", ROAD, ROAD | {"type": "bitmasklabels"}, id=10),
    ]
    desk.write("export.json", bad)
    faults = [fault.partition(" in /")[0] for fault in desk.run("label-studio:export.json").faults]
    said = {
        1: "has no annotation, where one is needed",
        2: "has 2 annotations, where one is needed",
        3: "has no annotation, where one is needed",
        4: "has an annotation without a shape, which says nothing of the photograph's size",
        5: "has a rectangle that was turned: draw it as a polygon",
        6: "has a shape on another size, or on a photograph that was turned while labelling",
        7: "has a shape that has not one label",
        8: "there is no photograph missing.jpg",
        9: "has a shape on another size, or on a photograph that was turned while labelling",
        10: "has a shape of the kind 'bitmasklabels', which is not known here",
    }
    assert faults == [f"export.json, task {number}: {what}" for number, what in said.items()]


@pytest.mark.parametrize("content", ["{}", "[1]", [{"image": "a.jpg", "label": []}]])
def test_other_exports_are_refused(desk: Desk, content: Any) -> None:
    desk.photo("a.jpg")
    desk.write("export.json", content)
    with pytest.raises(InvalidDataError, match="no export of Label Studio"):
        desk.run("label-studio:export.json")
