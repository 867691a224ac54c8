"""Folders and buckets (fsspec's memory) behave alike."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest

from veilseg.batch import buckets, locations
from veilseg.batch.locations import absolute, address_of, below, join, lies_in, location_of
from veilseg.errors import UsageError, VeilsegError


@pytest.fixture(params=["folder", "bucket", "file URL"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a folder that does not exist yet."""
    if request.param == "bucket":
        name = f"bucket-{secrets.token_hex(4)}"
        yield address_of(f"memory://{name}/photos/")
        fsspec.filesystem("memory").pseudo_dirs.clear()
        fsspec.filesystem("memory").store.clear()
    else:
        yield address_of(f"{'file://' if request.param == 'file URL' else ''}{tmp_path}/photos/")


def test_what_is_written_is_found_and_read(folder: str) -> None:
    where = location_of(folder)
    assert where.kind(folder) is None
    for name in ("b.PNG", "deep/er/a.jpg", "notes.txt", ".hidden/x.png", "deep/.y.png"):
        address = join(folder, name)
        assert where.existing([address]) == set()
        where.write(address, name.encode(), overwrite=False)
        assert where.kind(address) == "file"
        assert where.existing([address, join(folder, "none")]) == {address}
        assert where.read(address) == name.encode()
        assert below(address, folder) == name
    assert where.kind(folder) == where.kind(join(folder, "deep")) == "folder"
    assert where.existing([join(folder, "deep")]) == set(), "a folder is no output"
    assert sorted(where.files(folder, None)) == [("b.PNG", None), ("deep/er/a.jpg", None), ("notes.txt", None)]
    assert sorted(where.files(folder, join(folder, "deep"))) == [("b.PNG", None), ("notes.txt", None)]
    assert where.existing([join(folder, "b.PNG"), join(folder, "c")], folder) == {join(folder, "b.PNG")}


def test_what_lies_in_what(folder: str) -> None:
    assert lies_in(folder, folder)
    assert lies_in(join(folder, "deep/er"), folder)
    assert not lies_in(folder, join(folder, "deep"))
    assert not lies_in(f"{folder.rstrip('/')}2", folder)


def test_a_file_that_is_there_is_replaced_when_asked(folder: str) -> None:
    for data in (b"old", b"new"):
        location_of(folder).write(join(folder, "a.png"), data, overwrite=True)
        assert location_of(folder).read(join(folder, "a.png")) == data


def test_missing_and_overlong_files_are_refused(folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    where = location_of(folder)
    where.write(join(folder, "a.png"), b"12345", overwrite=False)
    with pytest.raises(VeilsegError, match=r"b\.png does not exist"):
        where.read(join(folder, "b.png"))
    for module in (locations, buckets):
        monkeypatch.setattr(module, "MAX_BYTES", 4)
    with pytest.raises(VeilsegError, match="too long"):
        where.read(join(folder, "a.png"))


def test_a_write_that_fails_leaves_nothing(folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        def __init__(self, *_: object) -> None:
            raise OSError(28, "No space left on device")

    where = location_of(folder)
    where.write(join(folder, "other.png"), b"there", overwrite=False)
    if folder.startswith("memory"):
        monkeypatch.setattr(fsspec.implementations.memory.MemoryFile, "write", Broken)
    else:
        monkeypatch.setattr(os, "fsync", Broken)
    with pytest.raises(VeilsegError, match="No space left"):
        where.write(join(folder, "deep/a.png"), b"data", overwrite=False)
    assert list(where.files(folder, None)) == [("other.png", None)]
    if not folder.startswith("memory"):
        assert list((Path(folder) / "deep").iterdir()) == []


@pytest.mark.parametrize("url", ["nowhere://x/y", "s4://bucket"])
def test_unknown_kinds(url: str) -> None:
    with pytest.raises(UsageError, match="nothing is known"):
        address_of(url)


def test_a_driver_that_fails_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise RuntimeError("no credentials")

    monkeypatch.setattr(fsspec.implementations.memory.MemoryFileSystem, "info", refuse)
    with pytest.raises(VeilsegError, match="memory://x cannot be reached: no credentials"):
        location_of("memory://x").kind("memory://x")


def test_addresses_for_other_machines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert absolute("a/b.png") == str(tmp_path / "a" / "b.png")
    assert absolute("memory://a/b.png") == "memory://a/b.png"
