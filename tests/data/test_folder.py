"""Plain folders: pairing by stem, classes.json, splits, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.data.conftest import Write
from veilseg.data import open_data
from veilseg.errors import InvalidDataError
from veilseg.modelconfig import default_palette


def test_pairs_by_stem_in_sorted_order(write_pair: Write) -> None:
    for stem in ("b", "a.jpg copy", "c"):
        root = write_pair("images", "labels", stem, 1, suffix=".jpg" if stem == "b" else ".png")
    (root / "images" / "notes.txt").write_text("not an image")
    (root / "images" / ".hidden.png").write_bytes(b"")
    data = open_data(f"folder:{root}")
    assert [data[i].name for i in range(len(data))] == ["a.jpg copy", "b", "c"]


def test_classes_are_counted_without_a_description(write_pair: Write) -> None:
    root = write_pair("images", "labels", "a", 255)
    write_pair("images", "labels", "b", 3)
    data = open_data(f"folder:{root}")
    assert data.classes == ("class 0", "class 1", "class 2", "class 3")
    assert data.palette.shape == (4, 3)


def test_classes_json_names_and_colours(write_pair: Write) -> None:
    root = write_pair("images", "labels", "a")
    description = {"classes": ["floor", "wall"], "palette": [[1, 2, 3], [4, 5, 6]]}
    (root / "classes.json").write_text(json.dumps(description))
    data = open_data(f"folder:{root}")
    assert data.classes == ("floor", "wall")
    assert data.palette.tolist() == description["palette"]
    del description["palette"]
    (root / "classes.json").write_text(json.dumps(description))
    assert np.array_equal(open_data(f"folder:{root}").palette, default_palette(2))


def test_splits_share_the_description(write_pair: Write) -> None:
    root = write_pair("val/images", "val/labels", "a")
    (root / "classes.json").write_text('{"classes": ["only"]}')
    data = open_data(f"folder:{root}", "val")
    assert data.classes == ("only",)
    assert data.name.endswith("/val")
    with pytest.raises(InvalidDataError) as error:
        open_data(f"folder:{root}")
    assert error.value.hint == "found splits: val; choose one with --split"


@pytest.mark.parametrize(
    "content",
    [
        "{",
        "[]",
        "{}",
        '{"classes": []}',
        '{"classes": [1]}',
        '{"classes": ["a"], "palette": []}',
        '{"classes": ["a"], "palette": [[0, 0, 256]]}',
        '{"classes": ["a"], "palette": [[0, 0, 1.5]]}',
        json.dumps({"classes": ["x"] * 256}),
    ],
)
def test_malformed_descriptions_are_refused(write_pair: Write, content: str) -> None:
    root = write_pair("images", "labels", "a")
    (root / "classes.json").write_text(content)
    with pytest.raises(InvalidDataError, match=r"classes\.json"):
        open_data(f"folder:{root}")


def test_unpaired_files_are_refused_on_both_sides(write_pair: Write) -> None:
    for stem in "abcdef":
        root = write_pair("images", "labels", stem)
    for stem in "abcde":
        (root / "labels" / f"{stem}.png").unlink()
    with pytest.raises(InvalidDataError, match=r"a photograph without a label: \S+/a.png, .*/e.png"):
        open_data(f"folder:{root}")
    for stem in "abcdef":
        (root / "images" / f"{stem}.png").unlink()
    with pytest.raises(InvalidDataError, match=r"a label without a photograph: \S+/f.png"):
        open_data(f"folder:{root}")


def test_two_files_of_one_stem_are_refused(write_pair: Write) -> None:
    write_pair("images", "labels", "a", suffix=".jpg")
    root = write_pair("images", "labels", "a")
    with pytest.raises(InvalidDataError, match=r"differs from a\.jpg in its suffix only: \S+/a\.png"):
        open_data(f"folder:{root}")


def test_empty_and_missing_folders(tmp_path: Path) -> None:
    with pytest.raises(InvalidDataError, match="no folder"):
        open_data(f"folder:{tmp_path / 'nowhere'}")
    with pytest.raises(InvalidDataError, match="does not hold images/ and labels/") as caught:
        open_data(f"folder:{tmp_path}")
    assert "veilseg data import" in (caught.value.hint or "")
    for name in ("images", "labels"):
        (tmp_path / name).mkdir()
    with pytest.raises(InvalidDataError, match="holds no images"):
        open_data(f"folder:{tmp_path}")


def test_the_layout_of_camvid_is_recognized(write_pair: Write, tmp_path: Path) -> None:
    root = write_pair("val", "valannot", "a")
    with pytest.raises(InvalidDataError) as error:
        open_data(f"folder:{root}")
    assert error.value.hint == f"this looks like CamVid: camvid:{root}"
    with pytest.raises(InvalidDataError) as error:
        open_data(f"folder:{tmp_path / 'nowhere'}")
    assert error.value.hint
