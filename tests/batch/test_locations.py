"""Folders and buckets (fsspec's memory) behave alike."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest

from veilseg import files
from veilseg.bulk import Place, open_place
from veilseg.errors import UsageError, VeilsegError


@pytest.fixture(params=["folder", "bucket", "file URL"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    if request.param == "bucket":
        name = f"bucket-{secrets.token_hex(4)}"
        yield open_place(f"memory://{name}/photos/")
        fsspec.filesystem("memory").rm(f"/{name}", recursive=True)
    else:
        yield open_place(f"{'file://' if request.param == 'file URL' else ''}{tmp_path}/photos/")


def test_what_is_written_is_found_and_read(place: Place) -> None:
    assert place.images() == []
    for name in ("b.PNG", "deep/er/a.jpg", "notes.txt", ".hidden/x.png", "deep/.y.png", "a.tiff"):
        assert not place.exists(name)
        place.write(name, name.encode())
        assert place.exists(name)
        assert place.read(name) == name.encode()
    assert place.images() == ["a.tiff", "b.PNG", "deep/er/a.jpg"]
    assert open_place(place.url if "://" in place.url else f"{place.url}/").images() == place.images()


def test_a_file_that_is_there_is_replaced(place: Place) -> None:
    for data in (b"old", b"new"):
        place.write("a.png", data)
        assert place.read("a.png") == data


def test_missing_and_overlong_files_are_refused(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.write("a.png", b"12345")
    with pytest.raises(VeilsegError, match=r"b\.png"):
        place.read("b.png")
    monkeypatch.setattr("veilseg.bulk.places.MAX_BYTES", 4)
    with pytest.raises(VeilsegError, match="too long"):
        place.read("a.png")


def test_a_write_that_fails_leaves_nothing(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        def __init__(self, *_: object) -> None:
            raise OSError(28, "No space left on device")

    place.write("other.png", b"there")
    if place.url.startswith("memory"):
        monkeypatch.setattr(fsspec.implementations.memory.MemoryFile, "write", Broken)
    else:
        monkeypatch.setattr(files.os, "fsync", Broken)
    with pytest.raises(VeilsegError, match="No space left"):
        place.write("deep/a.png", b"data")
    assert place.images() == ["other.png"]
    if not place.url.startswith("memory"):
        assert [path.name for path in (Path(place.url) / "deep").iterdir()] == []


@pytest.mark.parametrize(
    ("text", "message"), [("nowhere://x/y", "nothing is known"), ("s4://bucket", "nothing is known")]
)
def test_unknown_kinds(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        open_place(text)


def test_a_file_is_no_place(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"")
    with pytest.raises(UsageError, match="is a file"):
        open_place(str(tmp_path / "a.png"))
