"""Finding files: photographs below a folder, JSON that people or programs wrote."""

from __future__ import annotations

import json
import posixpath
from collections import defaultdict
from pathlib import Path, PurePosixPath
from typing import Any

from veilseg.data.faults import Fault
from veilseg.errors import InvalidDataError, UsageError, VeilsegError
from veilseg.files import read_limited
from veilseg.formats import READ
from veilseg.images import list_images

MAX_JSON = 1 << 30


class Photographs:
    """The photographs below a folder, by their paths in it and by their bare names."""

    def __init__(self, folder: Path | None, what: str) -> None:
        """`what` names the format for errors. Raises UsageError without a folder."""
        if folder is None:
            raise UsageError(f"{what} needs the folder of the photographs", "name it with --images DIR")
        if not folder.is_dir():
            raise UsageError(f"there is no folder {folder}", "--images names the folder of the photographs")
        self.folder = folder
        self.names = [path.relative_to(folder).as_posix() for path in list_images(folder)]
        if not self.names:
            raise UsageError(f"{folder} holds no photographs", READ)
        self._by_name: dict[str, list[str]] = defaultdict(list)
        for name in self.names:
            self._by_name[PurePosixPath(name).name].append(name)
        self._used: set[str] = set()

    def path(self, name: str) -> Path:
        """Of a name in the folder."""
        return self.folder / name

    def find(self, wanted: str) -> str:
        """The photograph that another tool calls `wanted`, by as much of the path as both have.

        So `val/a.jpg` is the folder's `a.jpg` or `x/val/a.jpg`, and not its `train/a.jpg`. Raises InvalidDataError
        where there is none, or several.
        """
        path = PurePosixPath(posixpath.normpath(wanted.replace("\\", "/")))
        parts = [part for part in path.parts if part not in ("/", "//", "..")]
        common = {name: _common(parts, name.split("/")) for name in self._by_name.get(path.name, [])}
        most = max(common.values(), default=0)
        longest = [name for name, count in common.items() if count == most]
        found = [name for name in longest if most in (len(parts), name.count("/") + 1)]
        found = [name for name in found if name == "/".join(parts)] or found
        if len(found) != 1:
            count = f"there are {len(found)} photographs called" if found else "there is no photograph"
            raise InvalidDataError(f"{count} {wanted[-80:] or 'by this name'} in {self.folder}")
        self._used.add(found[0])
        return found[0]

    def unused(self) -> list[Fault]:
        """The photographs that nothing asked for."""
        return [
            Fault(str(self.path(name)), "a photograph without a label") for name in self.names if name not in self._used
        ]


def _common(first: list[str], second: list[str]) -> int:
    """How many of the last parts of two paths are equal."""
    pairs = zip(reversed(first), reversed(second), strict=False)
    return next((count for count, (one, other) in enumerate(pairs) if one != other), min(len(first), len(second)))


def read_json(path: Path) -> Any:
    """The content of a JSON file; raises InvalidDataError, whose message is about the file, for what is none."""
    try:
        return json.loads(read_limited(path, MAX_JSON))
    except VeilsegError as error:
        raise InvalidDataError(error.message.removeprefix(f"{path} "), error.hint) from error
    except (ValueError, RecursionError) as error:
        raise InvalidDataError("is not JSON") from error


def read_export(path: Path, what: str) -> Any:
    """The same for a format's one file; the message names it."""
    if not path.is_file():
        raise UsageError(f"there is no file {path}", f"{what} is one JSON file")
    try:
        return read_json(path)
    except InvalidDataError as error:
        raise InvalidDataError(f"{path} {error.message}", error.hint) from error
