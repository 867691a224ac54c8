"""A dataset's files where they lie: in a folder, or in an official zip that is never unpacked."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path
from typing import Protocol

from veilseg.errors import InvalidDataError

MAX_FILE = 64 << 20  # bytes of one image; a Cityscapes PNG has 2.5 MB


class Tree(Protocol):
    """Files by relative names with forward slashes."""

    def names(self) -> list[str]:
        """All files, sorted."""

    def read(self, name: str) -> bytes:
        """One file's bytes; InvalidDataError where it cannot be read."""


class FolderTree:
    """The files below `root`; names begin with the name of `root` itself, as they do in the official zips."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def names(self) -> list[str]:
        return sorted(p.relative_to(self.root.parent).as_posix() for p in self.root.rglob("*") if p.is_file())

    def read(self, name: str) -> bytes:
        try:
            return (self.root.parent / name).read_bytes()
        except OSError as error:
            raise InvalidDataError(f"cannot read {self.root.parent / name}: {error.strerror or error}") from error


class ZipTree:
    """The files of a zip. Every process opens it for itself, because processes that share a file share its position."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._open: tuple[int, zipfile.ZipFile] | None = None
        self._file()

    def names(self) -> list[str]:
        return sorted(info.filename for info in self._file().infolist() if not info.is_dir())

    def read(self, name: str) -> bytes:
        try:
            if self._file().getinfo(name).file_size > MAX_FILE:
                raise InvalidDataError(f"{name} in {self.path} is larger than {MAX_FILE >> 20} MiB")
            return self._file().read(name)
        except (OSError, KeyError, zipfile.BadZipFile, RuntimeError) as error:
            raise InvalidDataError(f"cannot read {name} from {self.path}", "download it again") from error

    def _file(self) -> zipfile.ZipFile:
        if self._open is None or self._open[0] != os.getpid():
            try:
                self._open = (os.getpid(), zipfile.ZipFile(self.path))
            except (OSError, zipfile.BadZipFile) as error:
                raise InvalidDataError(f"{self.path} is no zip that can be read", "download it again") from error
        return self._open[1]

    def __getstate__(self) -> dict[str, object]:
        return {"path": self.path, "_open": None}


def open_tree(root: Path, folder: str, archive: str) -> Tree:
    """`root`/`folder`, or the zip `root`/`archive` that holds a folder of that name; InvalidDataError where neither is."""
    if (root / folder).is_dir():
        return FolderTree(root / folder)
    if (root / archive).is_file():
        return ZipTree(root / archive)
    raise InvalidDataError(f"{root} holds neither {folder}/ nor {archive}", "give the folder that the dataset lies in")
