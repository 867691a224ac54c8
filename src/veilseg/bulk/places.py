"""Where images lie: a folder of this machine, or one in a bucket or on another machine, which fsspec reaches."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath
from typing import Any, Protocol

from veilseg.errors import UsageError, VeilsegError
from veilseg.files import make_folder, read_limited, write_atomic
from veilseg.images import MAX_BYTES, SUFFIXES, list_images


class Place(Protocol):
    """A folder with images. Names are paths below it, with slashes; url: the folder in one form, without a slash at
    its end. Every method raises VeilsegError when the place cannot be used.
    """

    url: str

    def images(self) -> list[str]:
        """The names of all images (by suffix, subfolders included, hidden ones left out), sorted; [] for no folder."""

    def exists(self, name: str) -> bool:
        """Whether there is a file of that name."""

    def read(self, name: str) -> bytes:
        """A whole file, of at most MAX_BYTES."""

    def write(self, name: str, data: bytes) -> None:
        """Write a whole file, also over one that is there: nobody ever sees a part of it, and an interruption leaves
        nothing.
        """


def open_place(text: str) -> Place:
    """The place that `text` names: a path, or a URL such as s3://bucket/folder (needs fsspec and its driver).

    Raises UsageError for a URL of an unknown kind, VeilsegError when what reaches it is not installed.
    """
    if "://" in text and not text.startswith("file://"):
        return Bucket(text)
    return LocalFolder(text.removeprefix("file://"))


class LocalFolder:
    """A folder of this machine, or one that it has mounted."""

    def __init__(self, path: str) -> None:
        self.root = Path(os.path.realpath(Path(path).expanduser()))
        if self.root.exists() and not self.root.is_dir():
            raise UsageError(f"{path} is a file", "bulk works on folders; `veilseg encrypt` and `segment` take files")
        self.url = str(self.root).rstrip("/")

    def images(self) -> list[str]:
        return [path.relative_to(self.root).as_posix() for path in list_images(self.root)]

    def exists(self, name: str) -> bool:
        return (self.root / name).exists()

    def read(self, name: str) -> bytes:
        return read_limited(self.root / name, MAX_BYTES)

    def write(self, name: str, data: bytes) -> None:
        target = self.root / name
        make_folder(target.parent)
        write_atomic(target, data, overwrite=True)


class Bucket:
    """A folder that fsspec reaches. Credentials come from where its driver looks (environment, configuration)."""

    def __init__(self, url: str) -> None:
        import fsspec

        kind = url.partition("://")[0]
        try:
            # Without its cache of listings: other processes write here too.
            self._files, self.root = fsspec.core.url_to_fs(url, use_listings_cache=False)
        except ValueError as error:
            raise UsageError(f"nothing is known that reaches {kind}://", "s3://, gs:// and az:// are usual") from error
        except ImportError as error:
            raise VeilsegError(f"{kind}:// needs a package of its own", str(error).partition("\n")[0]) from error
        self.root = self.root.rstrip("/")
        self.url = f"{kind}://{self.root.lstrip('/')}"

    def images(self) -> list[str]:
        found = self._try("listed", self._list)
        below = (PurePosixPath(path).relative_to(self.root) for path in found)
        return sorted(
            str(name)
            for name in below
            if name.suffix.lower() in SUFFIXES and not any(part.startswith(".") for part in name.parts)
        )

    def exists(self, name: str) -> bool:
        return bool(self._try("reached", self._files.exists, f"{self.root}/{name}"))

    def read(self, name: str) -> bytes:
        with self._try("read", self._files.open, f"{self.root}/{name}", "rb") as file:
            return read_limited(file, MAX_BYTES)

    def write(self, name: str, data: bytes) -> None:
        self._try("written", self._write, f"{self.root}/{name}", data)

    def _list(self) -> list[str]:
        return list(self._files.find(self.root)) if self._files.exists(self.root) else []

    def _write(self, path: str, data: bytes) -> None:
        parent = path.rpartition("/")[0]
        self._files.makedirs(parent, exist_ok=True)  # does nothing where folders are only parts of names
        # Object stores show a file when it is whole; in a transaction the others do as well.
        with self._files.transaction, self._files.open(path, "wb") as file:
            file.write(data)

    def _try(self, what: str, action: Any, *arguments: Any) -> Any:
        try:
            return action(*arguments)
        except OSError as error:  # drivers translate their own errors to these
            name = arguments[0] if arguments else self.root
            raise VeilsegError(f"{name} cannot be {what}: {error.strerror or error}") from error
