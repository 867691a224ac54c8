"""Nothing half-written, nothing replaced unasked, nothing read without a limit."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

from veilseg import files
from veilseg.errors import VeilsegError
from veilseg.files import file_identity, read_limited, refuse_existing, write_atomic


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_writes_and_leaves_nothing_beside(tmp_path: Path) -> None:
    write_atomic(tmp_path / "a.bin", b"one")
    assert (tmp_path / "a.bin").read_bytes() == b"one"
    assert names(tmp_path) == ["a.bin"]


def test_existing_file_is_kept_unless_asked(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")
    for refuse in (lambda: write_atomic(path, b"new"), lambda: refuse_existing(path)):
        with pytest.raises(VeilsegError, match="exists already") as caught:
            refuse()
        assert "overwrite=True" in (caught.value.hint or "")
    assert path.read_bytes() == b"old"
    write_atomic(path, b"new", overwrite=True)
    assert path.read_bytes() == b"new"
    assert names(tmp_path) == ["a.bin"]


@pytest.mark.parametrize("links", [True, False])
def test_file_that_appears_meanwhile_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: bool) -> None:
    """The check before the work is a courtesy; the rename itself must not replace either."""
    path = tmp_path / "a.bin"
    path.write_bytes(b"theirs")
    monkeypatch.setattr(files, "refuse_existing", lambda *_, **__: None)
    if not links:
        monkeypatch.setattr(os, "link", lambda *_: (_ for _ in ()).throw(OSError("no links here")))
    with pytest.raises(VeilsegError, match="exists already"):
        write_atomic(path, b"ours")
    assert path.read_bytes() == b"theirs"
    assert names(tmp_path) == ["a.bin"]


def test_works_without_hard_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "link", lambda *_: (_ for _ in ()).throw(OSError("no links here")))
    write_atomic(tmp_path / "a.bin", b"one")
    assert (tmp_path / "a.bin").read_bytes() == b"one"


@pytest.mark.parametrize("overwrite", [False, True])
def test_failure_leaves_the_old_file_and_no_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, overwrite: bool
) -> None:
    path = tmp_path / "a.bin"
    if overwrite:
        path.write_bytes(b"old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(VeilsegError, match="cannot be written: No space left"):
        write_atomic(path, b"new", overwrite=overwrite)
    assert names(tmp_path) == (["a.bin"] if overwrite else [])
    assert not overwrite or path.read_bytes() == b"old"


def test_mode_holds_from_creation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    original = os.fsync

    def spy(descriptor: int) -> None:
        seen.append(os.fstat(descriptor).st_mode & 0o777)
        original(descriptor)

    monkeypatch.setattr(os, "fsync", spy)
    write_atomic(tmp_path / "secret", b"one", mode=0o600)
    assert seen[0] == 0o600
    assert (tmp_path / "secret").stat().st_mode & 0o777 == 0o600


def test_folders_in_the_way(tmp_path: Path) -> None:
    with pytest.raises(VeilsegError, match="is a folder"):
        write_atomic(tmp_path, b"one", overwrite=True)
    with pytest.raises(VeilsegError, match="does not exist"):
        write_atomic(tmp_path / "none" / "a.bin", b"one")


def test_devices_are_written_to_as_they_are() -> None:
    write_atomic("/dev/null", b"one")
    assert not Path("/dev/null").is_file()


def test_dangling_link_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    with pytest.raises(VeilsegError, match="exists already"):
        write_atomic(tmp_path / "link", b"one")


def test_read_limited(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"12345")
    assert read_limited(path, 5) == b"12345"
    assert read_limited(io.BytesIO(b"12345"), 5) == b"12345"
    for source in (path, io.BytesIO(b"12345")):
        with pytest.raises(VeilsegError, match="too long"):
            read_limited(source, 4)
    with pytest.raises(VeilsegError, match="too long"):
        read_limited("/dev/zero", 1000)
    with pytest.raises(VeilsegError, match="does not exist"):
        read_limited(tmp_path / "none", 4)
    with pytest.raises(VeilsegError, match="is a folder"):
        read_limited(tmp_path, 4)


def test_file_identity(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"")
    (tmp_path / "soft").symlink_to(path)
    os.link(path, tmp_path / "hard")
    monkeypatch.chdir(tmp_path)
    for other in ("a.bin", "./a.bin", tmp_path / "soft", tmp_path / "hard"):
        assert file_identity(other) == file_identity(path)
    assert file_identity("new.bin") == file_identity(tmp_path / "x" / ".." / "new.bin")
    assert file_identity("new.bin") != file_identity(path)
