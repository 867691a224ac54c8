"""Buckets, and whatever else fsspec reaches by a URL: s3://bucket/folder."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from veilseg.errors import UsageError, VeilsegError
from veilseg.files import read_limited
from veilseg.images import MAX_BYTES


class Bucket:
    """For URLs what locations.Files is for paths. Credentials come from where fsspec's drivers look for them."""

    def kind(self, address: str) -> str | None:
        files, path = _reach(address)
        with _doing("reached", address):
            try:
                found = files.info(path)
            except FileNotFoundError:
                return None
        return "folder" if found["type"] == "directory" else "file"

    def files(self, folder: str, without: str | None) -> Iterator[tuple[str, str | None]]:
        if self.kind(folder) != "folder":
            return
        files, path = _reach(folder)
        with _doing("listed", folder):
            found = files.find(path)
        for name in (each.removeprefix(path).lstrip("/") for each in found):
            hidden = any(part.startswith(".") for part in name.split("/"))
            if not hidden and not f"{folder}/{name}".startswith(f"{without}/"):
                yield name, None

    def existing(self, addresses: Sequence[str], folder: str | None = None) -> set[str]:
        if folder is None:
            return {address for address in addresses if self.kind(address) == "file"}
        # A request for each would take hours where there are many.
        return {f"{folder}/{name}" for name, _ in self.files(folder, None)}.intersection(addresses)

    def check(self, address: str, *, folder: bool) -> None:
        _reach(address)

    def read(self, address: str) -> bytes:
        files, path = _reach(address)
        with _doing("read", address), files.open(path, "rb") as file:
            return read_limited(file, MAX_BYTES)

    def write(self, address: str, data: bytes, *, overwrite: bool) -> None:
        files, path = _reach(address)
        with _doing("written", address):
            files.makedirs(path.rpartition("/")[0], exist_ok=True)  # nothing where folders are only parts of names
            # Object stores show a file when it is whole; in a transaction the others do as well.
            with files.transaction, files.open(path, "wb") as file:
                file.write(data)


def in_one_form(url: str) -> str:
    """A URL without slashes at its end, as addresses of what lies below it begin."""
    return f"{url.partition('://')[0]}://{_reach(url)[1].lstrip('/')}"


def _reach(url: str) -> tuple[Any, str]:
    """Fsspec's file system for a URL, and the path there."""
    import fsspec

    kind = url.partition("://")[0]
    try:
        # Without its cache of listings: other processes write here too. fsspec keeps the file system itself.
        files, path = fsspec.core.url_to_fs(url, use_listings_cache=False)
    except ValueError as error:
        raise UsageError(f"nothing is known that reaches {kind}://", "s3://, gs:// and az:// are usual") from error
    except ImportError as error:
        raise VeilsegError(f"{kind}:// needs a package of its own", str(error).partition("\n")[0]) from error
    return files, path.rstrip("/")


@contextmanager
def _doing(what: str, address: str) -> Iterator[None]:
    """Turn what fsspec's drivers raise into a VeilsegError; some have errors of their own, as for credentials."""
    try:
        yield
    except VeilsegError:
        raise
    except FileNotFoundError as error:
        raise VeilsegError(f"{address} does not exist", "check the name") from error
    except Exception as error:
        raise VeilsegError(f"{address} cannot be {what}: {getattr(error, 'strerror', None) or error}") from error
