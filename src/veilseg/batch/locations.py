"""Where images lie: files of this machine, buckets, stdin and stdout, all named by text that may be sent elsewhere.

An address is a path, a URL such as s3://bucket/a.png, or "-". Every method may raise VeilsegError.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Hashable, Iterator, Sequence
from pathlib import Path

from veilseg.batch.buckets import Bucket, in_one_form
from veilseg.errors import UsageError
from veilseg.files import check_folder, check_output, file_identity, make_folder, read_limited, walk, write_atomic
from veilseg.images import MAX_BYTES

STREAM = "-"


class Files:
    """What this machine has, or has mounted."""

    def kind(self, address: str) -> str | None:
        """What is there: "folder", "file", or None."""
        path = Path(address)
        return "folder" if path.is_dir() else "file" if path.exists() else None

    def files(self, folder: str, without: str | None) -> Iterator[tuple[str, str | None]]:
        """Names relative to `folder` of all files below it, each with None, or with the reason that it is out of reach.

        Hidden ones, and what lies in the folder `without`, are left out.
        """
        for path, problem in walk(folder, None if without is None else file_identity(without)):
            yield below(str(path), folder), problem

    def existing(self, addresses: Sequence[str], folder: str | None = None) -> set[str]:
        """Those that name a file; `folder`, where all of them lie, may be listed instead of asking for each."""
        return {address for address in addresses if Path(address).is_file()}

    def check(self, address: str, *, folder: bool) -> None:
        """Refuse now what could not be written later: a file, or files into a folder."""
        if folder:
            check_folder(address)
        else:
            check_output(address, overwrite=True)

    def read(self, address: str) -> bytes:
        """A whole file, of at most MAX_BYTES."""
        return read_limited(address, MAX_BYTES)

    def write(self, address: str, data: bytes, *, overwrite: bool) -> None:
        """Write a file whole or not at all, also into a folder that is missing yet."""
        make_folder(Path(address).parent)
        write_atomic(address, data, overwrite=overwrite)


class Streams(Files):
    """stdin and stdout: nothing is there before."""

    def existing(self, addresses: Sequence[str], folder: str | None = None) -> set[str]:
        return set()

    def check(self, address: str, *, folder: bool) -> None:
        if sys.stdout.isatty():
            raise UsageError("an image would be written to the terminal", "redirect it, or name a file with -o FILE")

    def read(self, address: str) -> bytes:
        return read_limited(sys.stdin.buffer, MAX_BYTES)

    def write(self, address: str, data: bytes, *, overwrite: bool) -> None:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()


def location_of(address: str) -> Files | Bucket:
    """What reads and writes at `address`."""
    return Streams() if address == STREAM else Bucket() if "://" in address else Files()


def address_of(text: str) -> str:
    """The address that a person's text means, in one form; file:// is this machine."""
    text = text.removeprefix("file://")
    return in_one_form(text) if "://" in text else text


def join(folder: str, name: str) -> str:
    """The address of what is called `name` below a folder."""
    return f"{folder}/{name}" if "://" in folder else str(Path(folder, name))


def below(address: str, folder: str) -> str:
    """The way back: the name of what lies in a folder."""
    return address.removeprefix(f"{folder}/") if "://" in folder else Path(address).relative_to(folder).as_posix()


def lies_in(address: str, folder: str) -> bool:
    """Whether `address` is the folder, or something in it."""
    if "://" in address or "://" in folder:
        return f"{address}/".startswith(f"{folder}/")
    return Path(os.path.realpath(address)).is_relative_to(os.path.realpath(folder))


def identity(address: str) -> Hashable:
    """Equal for two addresses exactly when they name one file."""
    return address if "://" in address else file_identity(address)


def absolute(address: str) -> str:
    """The address as other processes understand it."""
    return address if "://" in address else str(Path(address).absolute())
