"""Reading with a limit and writing without ever leaving half a file behind."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from collections.abc import Hashable, Iterator
from pathlib import Path
from typing import BinaryIO

from veilseg.errors import UsageError, VeilsegError

_EXISTS_HINT = "pass --force (in Python overwrite=True) to replace it, or choose another name"


def write_atomic(
    path: str | os.PathLike[str], data: bytes, *, overwrite: bool = False, mode: int | None = None
) -> None:
    """Write `data` to `path`: beside it first, flushed to the disk, then renamed, so that no reader ever sees a part.

    mode: permissions of the new file from its creation on, e.g. 0o600; None: what the umask allows.
    A path that is a device or a pipe (/dev/null, /dev/stdout) is written to as it is.
    Raises VeilsegError when the file exists and `overwrite` is false, when it is a folder, or when it cannot be
    written.
    """
    target = Path(path)
    refuse_existing(target, overwrite=overwrite)
    try:
        if target.exists() and not target.is_file():
            target.write_bytes(data)
            return
        _write_beside(target, data, overwrite, mode)
    except FileExistsError as error:  # somebody else was faster
        raise VeilsegError(f"{target} exists already", _EXISTS_HINT) from error
    except FileNotFoundError as error:
        raise VeilsegError(f"the folder {target.parent} does not exist", "create it first") from error
    except OSError as error:
        raise VeilsegError(f"{target} cannot be written: {error.strerror or error}") from error


def refuse_existing(path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
    """Raise VeilsegError when writing to `path` would replace a file and `overwrite` is false, or when it is a folder.

    Cheap: call it before work whose result would then be refused. Devices and pipes may always be written to.
    """
    target = Path(path)
    if target.is_dir():
        raise VeilsegError(f"{target} is a folder", "name a file in it")
    if not overwrite and os.path.lexists(target) and (target.is_file() or target.is_symlink()):
        raise VeilsegError(f"{target} exists already", _EXISTS_HINT)


def check_output(path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
    """`refuse_existing`, and a VeilsegError when the folder that `path` lies in is missing or may not be written to."""
    refuse_existing(path, overwrite=overwrite)
    folder = Path(path).parent
    if not folder.is_dir():
        raise VeilsegError(f"the folder {folder} does not exist", "create it first")
    if not Path(path).exists() and not os.access(folder, os.W_OK):
        raise VeilsegError(f"the folder {folder} may not be written to", "choose another one")


def make_folder(path: str | os.PathLike[str]) -> None:
    """Make a folder and those above it where they are missing.

    Raises VeilsegError when that fails, when `path` is a file, or when the folder may not be written to. Cheap: call
    it before the work whose results are to lie there.
    """
    check_folder(path)
    try:
        Path(path).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise VeilsegError(f"the folder {path} cannot be made: {error.strerror or error}") from error


def check_folder(path: str | os.PathLike[str]) -> None:
    """Raise VeilsegError unless `path` is a folder that may be written to, or one that could be made."""
    folder = Path(path)
    while not os.path.lexists(folder):
        folder = folder.parent
    if not folder.is_dir():
        raise VeilsegError(f"{folder} is not a folder, but a file is in its place", "choose another name")
    if not os.access(folder, os.W_OK):
        raise VeilsegError(f"the folder {folder} may not be written to", "choose another one")


def walk(folder: str | os.PathLike[str], without: Hashable = None) -> Iterator[tuple[Path, str | None]]:
    """Every file below `folder`, with None; and what cannot be reached there, with the reason.

    Links are followed, but not to a folder that the link lies in. Hidden files and folders are left out, and the folder
    whose `file_identity` is `without`.
    """
    waiting: list[tuple[Path, tuple[Hashable, ...]]] = [(Path(folder), ())]
    while waiting:
        here, above = waiting.pop()
        own = file_identity(here)
        if own in above:
            yield here, "it is a link to a folder that it lies in"
        if own in (*above, without):
            continue
        try:
            entries = [entry for entry in here.iterdir() if not entry.name.startswith(".")]
        except OSError as error:
            yield here, _reason(error)
            continue
        for entry in entries:
            try:
                mode = entry.stat().st_mode
            except OSError as error:
                yield entry, _reason(error)
                continue
            if stat.S_ISDIR(mode):
                waiting.append((entry, (*above, own)))
            else:
                yield entry, None if stat.S_ISREG(mode) else "it is a device or a pipe"


def _reason(error: OSError) -> str:
    return f"it cannot be read: {error.strerror or error}"


def refuse_other_than_png(path: str | os.PathLike[str]) -> None:
    """Raise UsageError when a PNG written to `path` would bear another suffix; devices and pipes have any name."""
    target = Path(path)
    if target.suffix.lower() != ".png" and (target.is_file() or not target.exists()):
        name = target.with_suffix(".png").name if target.name else "a file"
        raise UsageError(f"{path} would be a PNG under another name", f"name it {name}")


@contextlib.contextmanager
def locked(path: str | os.PathLike[str], *, wait: bool = True) -> Iterator[None]:
    """While the block runs, no other process is in such a block for `path`; the system ends the lock with the process.

    Others wait, or get a UsageError. The lock is on an empty file beside, `.NAME.lock`, which stays: `path` itself is
    another file after each writing. Raises VeilsegError when that file cannot be made.
    """
    import fcntl  # not on Windows, where nothing that needs this runs

    target = Path(path)
    check_output(target, overwrite=True)
    try:
        descriptor = os.open(target.with_name(f".{target.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise VeilsegError(f"{target} cannot be locked: {error.strerror or error}") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise UsageError(f"another process works on {target}", "wait for it, or choose another name") from error
    finally:
        os.close(descriptor)


def _write_beside(target: Path, data: bytes, overwrite: bool, mode: int | None) -> None:
    beside = target.with_name(f".{target.name[:20]}.{secrets.token_hex(6)}.part")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666 if mode is None else mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(descriptor)
        if overwrite:
            beside.replace(target)
        else:
            _rename_new(beside, target)
    finally:
        with contextlib.suppress(FileNotFoundError):
            beside.unlink()
    _sync_folder(target.parent)


def _rename_new(beside: Path, target: Path) -> None:
    """Give the finished file its name unless somebody took it meanwhile.

    A hard link fails where a rename would replace.
    """
    try:
        os.link(beside, target)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        if os.path.lexists(target):
            raise FileExistsError(target) from None
        beside.replace(target)


def _sync_folder(folder: Path) -> None:
    """Make the new name itself survive a power cut, where the system can."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def read_limited(source: str | os.PathLike[str] | BinaryIO, limit: int) -> bytes:
    """The bytes of a file or stream of at most `limit` bytes.

    Raises VeilsegError when it is longer, when it is missing, a folder, or cannot be read.
    """
    name = "the input" if hasattr(source, "read") else str(source)
    try:
        if hasattr(source, "read"):
            data = source.read(limit + 1)
        else:
            with Path(source).open("rb") as file:
                status = os.fstat(file.fileno())
                # The size of a regular file is known: refuse before reading. Pipes and devices are read up to it.
                too_long = stat.S_ISREG(status.st_mode) and status.st_size > limit
                data = b"" if too_long else file.read(limit + 1)
                if too_long:
                    raise VeilsegError(f"{name} is too long", f"the limit is {limit} bytes")
    except FileNotFoundError as error:
        raise VeilsegError(f"{name} does not exist", "check the name") from error
    except IsADirectoryError as error:
        raise VeilsegError(f"{name} is a folder", "name a file in it") from error
    except OSError as error:
        raise VeilsegError(f"{name} cannot be read: {error.strerror or error}") from error
    if len(data) > limit:
        raise VeilsegError(f"{name} is too long", f"the limit is {limit} bytes")
    return data


def file_identity(path: str | os.PathLike[str]) -> Hashable:
    """Equal for two paths exactly when they name one file, be it through links or before the file exists."""
    try:
        status = Path(path).stat()
    except OSError:
        return os.path.realpath(path)
    return status.st_dev, status.st_ino
