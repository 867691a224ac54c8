"""Masks by colour, palette and grey level; options; what is refused; that nothing is lost or overwritten."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.data.importing.conftest import SIZE, Desk
from veilseg.data import check_data, open_data
from veilseg.data.importing.registry import read_source
from veilseg.errors import InvalidDataError, UsageError, VeilsegError

TABLE = "name,r,g,b\nroad,128,64,128\ncar,0,0,142\nvoid,0,0,0\n"
ROAD, CAR, VOID = (128, 64, 128), (0, 0, 142), (0, 0, 0)


def mask(desk: Desk, name: str, rows: dict[int, tuple[int, int, int] | int], size: tuple[int, int] = SIZE) -> Path:
    """A mask whose rows have values from those given on: {0: ROAD, 5: CAR}."""
    depth = np.shape(next(iter(rows.values())))
    values = np.zeros((*size, *depth), np.uint8)
    for row, value in rows.items():
        values[row:] = value
    path = desk.root / "masks" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(values).save(path)
    return path


def test_colours_become_ids(desk: Desk) -> None:
    for name in "abcde":
        photo = desk.photo(f"{name}.jpg")
        mask(desk, f"{name}.png", {0: ROAD, 3: CAR, 7: VOID})
    made = desk.run("masks:masks", table=TABLE, choices={"ignored": ["void"]})
    assert made.classes == ("road", "car")
    assert made.rows("a") == ["0" * 12] * 3 + ["1" * 12] * 4 + ["." * 12]
    assert made.written.parts == {"train": 4, "val": 1}
    assert (made.faults, made.written.remarks) == ([], [])
    described = json.loads((made.folder / "classes.json").read_text())
    assert described == {"classes": ["road", "car"], "palette": [list(ROAD), list(CAR)]}
    (copy,) = made.folder.glob("*/images/e.jpg")
    assert copy.read_bytes() == photo.read_bytes()
    for part in ("train", "val"):
        assert check_data(open_data(f"folder:{made.folder}", part)).faults == []


@pytest.mark.parametrize(
    "table",
    [
        "128 64 128\troad\n0 0 142\tcar\n",
        "# label:color_rgb:parts:actions\nroad:128,64,128::\ncar:0,0,142::\n",
        "road,#804080\ncar,#00008e\n",
        "id;name;r;g;b\n0;road;128;64;128\n1;car;0;0;142\n",
        "name,id,r,g,b\nroad,0,128,64,128\ncar,1,0,0,142\n",
        "name,id,r,g,b,parts\nroad,0,128,64,128,\ncar,1,0,0,142,\n",
        "128 64 128 road\n0 0 142 car\n",
    ],
)
def test_forms_of_a_table(desk: Desk, table: str) -> None:
    desk.photo("a.png")
    mask(desk, "a.png", {0: ROAD, 4: CAR})
    made = desk.run("masks:masks", table=table)
    assert made.classes == ("road", "car")
    assert made.rows("a")[3:5] == ["0" * 12, "1" * 12]


@pytest.mark.parametrize(
    "table", ["", "road,1,2\n", "road,1,2,300\n", "1,2,3\n", "road,1,2,3\ncar,1,2,3\n", "3,road\n3,car\n", b"\xff\xfe"]
)
def test_tables_that_are_none(desk: Desk, table: str | bytes) -> None:
    desk.photo("a.png")
    mask(desk, "a.png", {0: ROAD})
    with pytest.raises(UsageError):
        desk.run("masks:masks", table=table)


def test_palette_masks_are_read_by_colour_or_by_id(desk: Desk) -> None:
    desk.photo("a.png")
    path = mask(desk, "a.png", {0: 5, 4: 9})
    palette = [0] * 768
    palette[15:18], palette[27:30] = ROAD, CAR
    picture = Image.open(path)
    picture.putpalette(palette)
    picture.save(path)
    assert desk.run("masks:masks", table=TABLE).rows("a")[3:5] == ["0" * 12, "1" * 12]
    (desk.root / "out").rename(desk.root / "first")
    by_id = desk.run("masks:masks", table="5,road\n9,car\n")
    assert by_id.rows("a")[3:5] == ["0" * 12, "1" * 12]


def test_grey_values_that_are_ids_and_colours_are_a_fault(desk: Desk) -> None:
    for name in ("ids", "both"):
        desk.photo(f"{name}.png")
    mask(desk, "ids.png", {0: 0, 4: 1})
    mask(desk, "both.png", {0: 0})  # the road by its id, and void by its colour
    (fault,) = desk.run("masks:masks", table=TABLE).faults
    assert fault.startswith("both.png: is grey, and its values are ids of some classes and colours of others")
    first = "void,0,0,0\nroad,128,64,128\n"  # the same by both
    assert desk.run("masks:masks", table=first).faults == []


def test_grey_masks_of_a_grey_table_are_read_by_colour(desk: Desk) -> None:
    desk.photo("a.png")
    mask(desk, "a.png", {0: 0, 4: 255})
    made = desk.run("masks:masks", table="thing,255,255,255\nrest,0,0,0\n")
    assert made.rows("a")[3:5] == ["1" * 12, "0" * 12]


def test_grey_masks_without_a_table(desk: Desk) -> None:
    for name in "ab":
        desk.photo(f"{name}.png")
    mask(desk, "a.png", {0: 0, 2: 1, 4: 3, 6: 255})
    mask(desk, "b.png", {0: 3})
    made = desk.run("masks:masks")
    assert made.classes == ("class 0", "class 1", "class 2", "class 3")
    assert [row[0] for row in made.rows("a")] == list("001133..")
    assert any("belongs to class" in remark for remark in made.written.remarks)


def test_reduce_zero_maps_and_ignored_values(desk: Desk) -> None:
    desk.photo("a.png")
    mask(desk, "a.png", {0: 0, 2: 1, 4: 3, 6: 255})
    table = "nothing\nroad\ntruck\ncar\n"
    reduced = desk.run("masks:masks", table=table, choices={"reduce_zero": True})
    assert reduced.classes == ("road", "truck", "car")
    assert [row[0] for row in reduced.rows("a")] == list("..0022..")
    reduced.folder.rename(desk.root / "reduced")
    mapped = desk.run("masks:masks", table=table, choices={"renamed": ["3=vehicle", "truck=vehicle"], "ignored": ["1"]})
    assert mapped.classes == ("nothing", "vehicle")
    assert [row[0] for row in mapped.rows("a")] == list("00..11..")


@pytest.mark.parametrize(
    ("choices", "said"),
    [
        ({"ignored": ["boat"]}, "no class 'boat'"),
        ({"renamed": ["road"]}, "cannot read --map 'road'"),
        ({"ignored": ["road", "car", "void"]}, "every class is ignored"),
    ],
)
def test_choices_that_make_no_sense(desk: Desk, choices: dict[str, list[str]], said: str) -> None:
    desk.photo("a.png")
    mask(desk, "a.png", {0: ROAD})
    with pytest.raises(UsageError, match=said):
        desk.run("masks:masks", table=TABLE, choices=choices)


def test_endings_of_masks_and_folders_in_folders(desk: Desk) -> None:
    for name in ("train/x/a", "train/x/b", "val/y/a"):
        desk.photo(f"{name}.jpg")
        mask(desk, f"{name}_L.png", {0: ROAD, 2: CAR})
    made = desk.run("masks:masks", table=TABLE)
    assert made.written.parts == {"train": 2, "val": 1}
    assert sorted(made.labels) == ["train_x_a", "train_x_b", "val_y_a"]
    assert made.written.remarks[0] == "the masks' names end in _L, the photographs' do not"


def test_two_masks_of_one_photograph_are_a_fault(desk: Desk) -> None:
    desk.photo("a.jpg")
    for name in ("a.bmp", "a.png"):
        mask(desk, name, {0: ROAD})
    made = desk.run("masks:masks", table=TABLE)
    assert made.faults == ["a.png: differs from a.bmp in its suffix only"]


def test_every_fault_is_said_and_nothing_is_written(desk: Desk) -> None:
    for name in ("whole", "unlabelled", "odd", "unknown", "torn", "broken", "clear", "deep"):
        desk.photo(f"{name}.png")
        mask(desk, f"{name}.png", {0: ROAD})
    (desk.root / "masks/unlabelled.png").rename(desk.root / "masks/stray.png")
    mask(desk, "odd.png", {0: ROAD}, (8, 11))
    mask(desk, "unknown.png", {0: ROAD, 6: (1, 2, 3)})
    (desk.root / "masks/torn.png").write_bytes((desk.root / "masks/torn.png").read_bytes()[:48])
    (desk.root / "photos/broken.png").write_bytes(b"nothing")
    Image.new("RGBA", (12, 8)).save(desk.root / "masks/clear.png")
    Image.new("F", (12, 8)).save(desk.root / "masks/deep.png", format="TIFF")
    made = desk.run("masks:masks", table=TABLE)
    unread = "cannot be read as an image: this is not an image, or not one in a format that is read"
    assert made.faults == [
        "unlabelled.png: a photograph without a mask",
        "stray.png: a mask without a photograph",
        f"broken.png: {unread}",
        "clear.png: is transparent in places; masks are opaque",
        "deep.png: is a mask in mode F; grey, palette and RGB are read",
        "odd.png: is for 11x8 pixels, but its photograph has 12x8",
        "torn.png: cannot be read as a mask",
        "unknown.png: has values that no class has: #010203 (24 pixels)",
    ]
    assert made.written.parts == {}
    assert sorted(path.name for path in desk.root.iterdir()) == ["classes.txt", "masks", "photos"]
    going_on = desk.run("masks:masks", table=TABLE, leave_out=True)
    assert going_on.faults == made.faults
    assert list(going_on.labels) == ["whole"]


def test_soft_edges_are_recognized(desk: Desk) -> None:
    desk.photo("a.png", (40, 40))
    soft = np.arange(1600, dtype=np.uint32).reshape(40, 40)
    Image.fromarray(np.stack([soft % 251, soft % 83, soft % 7], -1).astype(np.uint8)).save(desk.root / "a.png")
    mask(desk, "a.png", {0: ROAD})
    (desk.root / "a.png").rename(desk.root / "masks/a.png")
    (fault,) = desk.run("masks:masks", table=TABLE).faults
    assert "and 1591 more; JPEG and soft edges make such colours" in fault


def test_colours_without_a_table_are_listed(desk: Desk) -> None:
    desk.photo("a.png")
    mask(desk, "a.png", {0: ROAD, 3: CAR})
    with pytest.raises(InvalidDataError, match=r"a\.png has colours") as error:
        desk.run("masks:masks")
    assert "2 here: 0,0,142, 128,64,128" in str(error.value.hint)
    (fault,) = desk.run("masks:masks", table="road\ncar\n").faults
    assert fault == "a.png: has colours, and the table of classes has none"


@pytest.mark.parametrize("orientation", [3, 6])
def test_masks_drawn_on_unturned_photographs(desk: Desk, orientation: int) -> None:
    desk.photo("a.jpg", orientation=orientation)
    mask(desk, "a.png", {0: ROAD, 2: CAR})
    made = desk.run("masks:masks", table=TABLE)
    (remark,) = [each for each in made.written.remarks if "EXIF" in each]
    if orientation == 6:  # a quarter to the right: the upper rows become the right columns
        assert made.rows("a") == ["1" * 6 + "00"] * 12
        assert remark.startswith("labels were turned like their photographs")
    else:
        assert made.rows("a")[0] == "0" * 12
        assert "taken as upright" in remark


def test_a_mask_drawn_on_the_turned_photograph_stays(desk: Desk) -> None:
    desk.photo("a.jpg", orientation=6)
    mask(desk, "a.png", {0: ROAD, 2: CAR}, (12, 8))
    made = desk.run("masks:masks", table=TABLE, choices={"ignored": ["void"]})
    assert made.rows("a")[1:3] == ["0" * 8, "1" * 8]
    assert made.written.remarks == []


def test_the_split_is_drawn_by_the_seed_alone(desk: Desk) -> None:
    for index in range(20):
        desk.photo(f"{index:02}.png")
        mask(desk, f"{index:02}.png", {0: ROAD, 4: CAR})
    found = []
    for seed, share in ((0, None), (0, 0.2), (1, 0.2), (0, 0.5), (0, 0.0)):
        made = desk.run("masks:masks", table=TABLE, seed=seed, share=share)
        found.append(sorted(path.stem for path in made.folder.glob("val/images/*")))
        assert sum(made.written.parts.values()) == 20
        made.folder.rename(desk.root / f"out{len(found)}")
    assert [len(each) for each in found] == [4, 4, 4, 10, 0]
    assert found[0] == found[1] != found[2]


def test_nothing_is_overwritten(desk: Desk) -> None:
    desk.photo("a.png")
    mask(desk, "a.png", {0: ROAD})
    desk.write("out/mine.txt", "precious")
    with pytest.raises(VeilsegError, match="holds files already"):
        desk.run("masks:masks", table=TABLE)
    assert [path.name for path in desk.root.joinpath("out").iterdir()] == ["mine.txt"]


def test_a_part_without_a_class_is_said(desk: Desk) -> None:
    for index in range(4):
        desk.photo(f"{index}.png")
        mask(desk, f"{index}.png", {0: ROAD if index else CAR})
    remarks = desk.run("masks:masks", table=TABLE, choices={"ignored": ["void"]}).written.remarks
    assert len(remarks) == 1
    assert remarks[0] in ("no pixel of val/ belongs to car", "no pixel of train/ belongs to car, road")


@pytest.mark.parametrize("spec", ["masks:nowhere", "masks", "nothing:masks", "masks:"])
def test_what_names_no_source(desk: Desk, spec: str) -> None:
    with pytest.raises(UsageError, match=r"does not name a dataset of another tool|there is no folder nowhere"):
        read_source(spec, desk.photo("a.png").parent, None)


@pytest.mark.parametrize("images", [None, "nowhere"])
def test_photographs_are_asked_for(desk: Desk, images: str | None) -> None:
    mask(desk, "a.png", {0: ROAD})
    with pytest.raises(UsageError, match=r"--images|no folder"):
        desk.run("masks:masks", images=images)


def test_nothing_to_import(desk: Desk) -> None:
    (desk.root / "photos").mkdir()
    with pytest.raises(UsageError, match="holds no photographs"):
        desk.run("masks:photos")
    desk.photo("a.png")
    desk.write("masks/a.png", b"torn")
    desk.write("masks/b.png", b"torn")
    with pytest.raises(InvalidDataError, match="no label holds a class"):
        desk.run("masks:masks")


def test_a_row_without_the_columns_of_ids_is_refused(desk: Desk) -> None:
    with pytest.raises(UsageError, match="line 3 has not the columns of the first line"):
        desk.run("masks:masks", table="name,id,r,g,b\nroad,0,128,64,128\ntraffic light,250,170,30\n")
