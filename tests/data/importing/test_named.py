"""Cityscapes' JSON, LabelMe and Supervisely: shapes with names, in their drawing order."""

from __future__ import annotations

import base64
import io
import zlib
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.data.importing.conftest import SIZE, Desk
from veilseg.data.cityscapes import CITYSCAPES_CLASSES
from veilseg.errors import InvalidDataError, UsageError

# Corners as these tools draw them: the last column and row are covered.
WHOLE = [[0, 0], [11, 0], [11, 7], [0, 7]]
RIGHT = [[6, 0], [11, 0], [11, 7], [6, 7]]
MIDDLE = [[4, 2], [7, 2], [7, 5], [4, 5]]


def png(mask: np.ndarray, *, alpha: bool = False) -> bytes:
    buffer = io.BytesIO()
    grey = Image.fromarray(mask.astype(np.uint8) * 255)
    picture = Image.merge("RGBA", [grey, grey, grey, grey]) if alpha else grey
    picture.save(buffer, "PNG")
    return buffer.getvalue()


# ---------------------------------------------------------------- Cityscapes


def cityscapes(desk: Desk, name: str, *objects: tuple[str, Any], size: tuple[int, int] = SIZE) -> None:
    rows = [{"label": label, "polygon": points} for label, points in objects]
    content = {"imgHeight": size[0], "imgWidth": size[1], "objects": rows}
    desk.write(f"gtFine/{name}_gtFine_polygons.json", content)
    desk.photo(f"{name}_leftImg8bit.png")


def test_cityscapes_own_labels_are_its_19_classes(desk: Desk) -> None:
    cityscapes(desk, "train/ulm/ulm_1", ("road", WHOLE), ("cargroup", RIGHT), ("static", MIDDLE))
    cityscapes(desk, "val/bonn/bonn_1", ("sky", RIGHT))
    made = desk.run("cityscapes:gtFine")
    assert made.classes == CITYSCAPES_CLASSES
    car, sky = CITYSCAPES_CLASSES.index("car"), CITYSCAPES_CLASSES.index("sky")
    assert made.labels["ulm_1"][3].tolist() == [0] * 4 + [255] * 4 + [car] * 4
    assert made.labels["bonn_1"][0].tolist() == [255] * 6 + [sky] * 6
    assert made.written.parts == {"train": 1, "val": 1}


def test_a_polegroup_is_ignored_as_by_the_benchmark(desk: Desk) -> None:
    cityscapes(desk, "a", ("road", WHOLE), ("polegroup", RIGHT), ("pole", MIDDLE))
    pole = CITYSCAPES_CLASSES.index("pole")
    assert desk.run("cityscapes:gtFine").labels["a"][3].tolist() == [0] * 4 + [pole] * 4 + [255] * 4


def test_own_labels_in_cityscapes_form(desk: Desk) -> None:
    cityscapes(desk, "a", ("roof", WHOLE), ("door", MIDDLE))
    made = desk.run("cityscapes:gtFine", choices={"renamed": ["door=opening"]})
    assert made.classes == ("opening", "roof")
    assert made.rows("a")[3] == "111100001111"


def test_cityscapes_faults(desk: Desk) -> None:
    cityscapes(desk, "good", ("road", WHOLE))
    cityscapes(desk, "thin", ("road", [[0, 0], [3, 3]]))
    cityscapes(desk, "large", ("road", WHOLE), size=(10**6, 10**6))
    cityscapes(desk, "lonely", ("road", WHOLE))
    (desk.root / "photos/lonely_leftImg8bit.png").unlink()
    desk.write("gtFine/torn_gtFine_polygons.json", "{")
    desk.photo("torn_leftImg8bit.png")
    desk.photo("stray_leftImg8bit.png")
    assert desk.run("cityscapes:gtFine").faults == [
        "large_gtFine_polygons.json: has no size that a photograph could have: 1000000 x 1000000",
        "lonely_gtFine_polygons.json: polygons without a photograph",
        "thin_gtFine_polygons.json: has a shape of 2 points, where 3 are needed",
        "torn_gtFine_polygons.json: is not JSON",
        "stray_leftImg8bit.png: a photograph without a label",
    ]


# ---------------------------------------------------------------- LabelMe


def labelme(desk: Desk, name: str, *shapes: dict[str, Any], **more: Any) -> None:
    content = {"shapes": shapes, "imagePath": f"{name}.jpg", "imageHeight": SIZE[0], "imageWidth": SIZE[1], **more}
    desk.write(f"photos/{name}.json", content)


def shape(label: str, points: Any, kind: str = "polygon", **more: Any) -> dict[str, Any]:
    return {"label": label, "points": points, "shape_type": kind, **more}


def test_labelme_shapes_of_every_kind(desk: Desk) -> None:
    desk.photo("a.jpg")
    part = png(np.eye(3, dtype=bool))
    labelme(
        desk,
        "a",
        shape("road", WHOLE),
        shape("car", [[7, 5], [4, 2]], "rectangle"),
        shape("_background_", [[5, 3], [6, 4]], "rectangle"),  # a hole
        shape("__ignore__", [[11, 0], [11, 7], [10, 7], [10, 0]]),
        shape("dot", [[1, 1], [1, 2]], "circle"),
        shape("car", [[0, 5], [2, 7]], "mask", mask=base64.b64encode(part).decode()),
        shape("edge", [[0, 0], [5, 5]], "line"),
    )
    made = desk.run("labelme:photos", images=None)
    assert made.classes == ("background", "car", "dot", "road")
    assert made.rows("a") == [
        "3233333333..",
        "2223333333..",
        "3233111133..",
        "3333100133..",
        "3333100133..",
        "1333111133..",
        "3133333333..",
        "3313333333..",
    ]
    assert made.written.remarks == [f"points and lines have no area, and were not drawn: {desk.root}/photos/a.json"]


def test_labelme_photographs_elsewhere_and_inside(desk: Desk) -> None:
    photo = desk.photo("a.jpg")
    labelme(desk, "a", shape("road", WHOLE), imagePath="..\\elsewhere\\a.jpg")
    inside = base64.b64encode(photo.read_bytes()).decode()
    labelme(desk, "b", shape("road", WHOLE), imagePath="../b.jpg", imageData=inside)
    (desk.root / "annotations").mkdir()
    for name in ("a.json", "b.json"):
        (desk.root / "photos" / name).rename(desk.root / "annotations" / name)
    made = desk.run("labelme:annotations")
    assert sorted(made.labels) == ["a", "b"]
    (copy,) = made.folder.glob("*/images/b.jpg")
    assert copy.read_bytes() == photo.read_bytes()


def test_labelme_photographs_of_one_name_in_several_folders(desk: Desk) -> None:
    for name, colour in (("a", 1), ("train/a", 2), ("val/a", 3)):
        desk.photo(f"{name}.png")
        Image.fromarray(np.full((*SIZE, 3), colour, np.uint8)).save(desk.root / f"photos/{name}.png")
        labelme(desk, name, shape(f"class {colour}", WHOLE), imagePath="a.png")
    made = desk.run("labelme:photos", images=None)
    assert made.faults == []
    for image in made.folder.glob("*/images/*.png"):
        colour = int(np.asarray(Image.open(image))[0, 0, 0])
        assert made.labels[image.stem][0, 0] == made.classes.index(f"class {colour}")


def test_labelme_faults(desk: Desk) -> None:
    for name in ("bad", "kind", "masked", "size", "unlabelled"):
        desk.photo(f"{name}.jpg")
    labelme(desk, "bad", shape("road", [[0, 0], [1, float("inf")], [2, 2]]))
    labelme(desk, "kind", shape("road", WHOLE, "spline"))
    labelme(desk, "masked", shape("road", [[0, 0], [2, 2]], "mask", mask="!"))
    labelme(desk, "missing", shape("road", WHOLE))
    labelme(desk, "size", shape("road", WHOLE), imageHeight=9)
    desk.write("photos/torn.json", "[")
    assert [fault.partition(" in /")[0] for fault in desk.run("labelme:photos", images=None).faults] == [
        "bad.json: has a shape that lies far outside of the photograph",
        "kind.json: has a shape of the kind 'spline', which is not known here",
        "masked.json: has a mask that is no PNG",
        "missing.json: there is no photograph missing.jpg",
        "torn.json: is not JSON",
        "bad.jpg: a photograph without a label",
        "kind.jpg: a photograph without a label",
        "masked.jpg: a photograph without a label",
        "unlabelled.jpg: a photograph without a label",
        "size.json: is for 12x9 pixels, but its photograph has 12x8",
    ]


@pytest.mark.parametrize("size", [SIZE, SIZE[::-1]])
def test_labelme_exif(desk: Desk, size: tuple[int, int]) -> None:
    desk.photo("a.jpg", orientation=8)  # a quarter to the left
    labelme(desk, "a", shape("road", [[0, 0], [1, 0], [1, 1], [0, 1]]), imageHeight=size[0], imageWidth=size[1])
    label = desk.run("labelme:photos", images=None).labels["a"]
    row = 0 if size == SIZE[::-1] else 10
    assert np.argwhere(label == 1).tolist() == [[row, 0], [row, 1], [row + 1, 0], [row + 1, 1]]


def test_labelme_needs_a_folder(desk: Desk) -> None:
    with pytest.raises(UsageError, match="no folder"):
        desk.run("labelme:nowhere", images=None)


# ---------------------------------------------------------------- Supervisely

META = {
    "classes": [
        {"title": "road", "shape": "polygon", "color": "#804080"},
        {"title": "nose", "shape": "point", "color": "#000001"},
        {"title": "car", "shape": "any", "color": "#00008E"},
    ]
}


def supervisely(desk: Desk, name: str, *objects: dict[str, Any], size: Any = None) -> None:
    part, _, file = name.rpartition("/")
    desk.photo(f"../project/{part}/img/{file}.jpg")
    size = {"height": SIZE[0], "width": SIZE[1]} if size is None else size
    desk.write(f"project/{part}/ann/{file}.jpg.json", {"size": size, "objects": objects})


def thing(title: str, kind: str, **more: Any) -> dict[str, Any]:
    return {"classTitle": title, "geometryType": kind, **more}


def test_supervisely_holes_bitmaps_and_parts(desk: Desk) -> None:
    desk.write("project/meta.json", META)
    hole = {"exterior": WHOLE, "interior": [MIDDLE]}
    bitmap = {
        "origin": [9, 6],
        "data": base64.b64encode(zlib.compress(png(np.ones((4, 2), bool), alpha=True))).decode(),
    }
    supervisely(
        desk,
        "train/a",
        thing("road", "polygon", points=hole),
        thing("car", "bitmap", bitmap=bitmap),
        thing("nose", "point", points={"exterior": [[1, 1]]}),
    )
    supervisely(desk, "validation/b", thing("car", "rectangle", points={"exterior": [[0, 0], [2, 1]]}))
    made = desk.run("supervisely:project", images=None)
    assert made.classes == ("background", "road", "car")
    assert made.rows("train_a")[1:] == ["1" * 12, *["111100001111"] * 4, *["1" * 9 + "221"] * 2]
    assert made.rows("validation_b")[:3] == ["222" + "0" * 9, "222" + "0" * 9, "0" * 12]
    assert made.written.parts == {"train": 1, "val": 1}
    assert made.written.remarks[0].startswith("points and lines have no area")


def test_supervisely_faults(desk: Desk) -> None:
    desk.write("project/meta.json", META)
    supervisely(desk, "ds/bomb", thing("road", "bitmap", bitmap={"origin": [0, 0], "data": "eJw="}))
    supervisely(desk, "ds/class", thing("boat", "polygon", points={"exterior": WHOLE}))
    supervisely(desk, "ds/empty", thing("road", "polygon"))
    supervisely(desk, "ds/place", thing("road", "bitmap", bitmap={"origin": None, "data": ""}))
    supervisely(desk, "ds/size", size="large")
    faults = desk.run("supervisely:project", images=None).faults
    assert faults == [
        "bomb.jpg.json: has a mask that is no PNG",
        "empty.jpg.json: has an object without a geometry",
        "place.jpg.json: has a shape whose points are no pairs of numbers",
        "size.jpg.json: has no size that a photograph could have: None x None",
        "class.jpg.json: has a shape of the class 'boat', which was not there before",
    ]


def test_supervisely_projects_that_are_none(desk: Desk) -> None:
    with pytest.raises(UsageError, match=r"no file .*meta\.json"):
        desk.run("supervisely:project", images=None)
    with pytest.raises(UsageError, match="holds its photographs"):
        desk.run("supervisely:project")
    desk.write("project/meta.json", {"classes": 3})
    with pytest.raises(InvalidDataError, match="lists no classes"):
        desk.run("supervisely:project", images=None)
