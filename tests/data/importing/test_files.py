"""Photographs are found by as much of their path as both sides have."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from veilseg.data.importing.files import Photographs
from veilseg.errors import InvalidDataError


@pytest.fixture
def photographs(tmp_path: Path) -> Photographs:
    for name in ("a.jpg", "x/a.jpg", "x/b.jpg", ".hidden/c.jpg", "y/d.jpg", "z/d.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.new("RGB", (8, 8)).save(tmp_path / name)
    return Photographs(tmp_path, "the labels")


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("a.jpg", "a.jpg"),
        ("./x/a.jpg", "x/a.jpg"),
        ("/elsewhere/x/a.jpg", "x/a.jpg"),
        ("x//b.jpg", "x/b.jpg"),
        ("x/./b.jpg", "x/b.jpg"),
        ("b.jpg", "x/b.jpg"),
        ("..\\x\\b.jpg", "x/b.jpg"),
        ("more/x/b.jpg", "x/b.jpg"),
    ],
)
def test_found(photographs: Photographs, wanted: str, found: str) -> None:
    assert photographs.find(wanted) == found


@pytest.mark.parametrize("wanted", ["v/b.jpg", "d.jpg", "none.jpg", "b.jpg/..", ""])
def test_not_found(photographs: Photographs, wanted: str) -> None:
    with pytest.raises(InvalidDataError):
        photographs.find(wanted)
