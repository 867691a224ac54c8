"""What can be wrong with the files of a dataset, each fault with the file that has it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol, runtime_checkable

#: The most common mistake with masks.
MASK_HINT = "255 means ignored: masks of 0 and 255 are written as 0 and 1"


@dataclass(frozen=True)
class Fault:
    """Something that makes a dataset unusable: the file, and in a few words what is wrong with it."""

    file: str
    what: str

    def __str__(self) -> str:
        return f"{self.file}: {self.what}"


class PairFiles(NamedTuple):
    """Where a pair lies: the files (paths, or their bytes) of a photograph and its label, and what to call them."""

    image: Path | bytes
    label: Path | bytes
    image_name: str
    label_name: str


@runtime_checkable
class FileData(Protocol):
    """A dataset of files, which the check can look into. `faults`: what listing them brought up."""

    @property
    def faults(self) -> Sequence[Fault]: ...

    def files(self, index: int) -> PairFiles:
        """Those of the pair at `index`."""


def name_some(names: Sequence[str]) -> str:
    """The first few of `names`, and how many more there are."""
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def count_of(faults: Sequence[Fault]) -> str:
    """How many: "1 fault", "2 faults"."""
    return f"{len(faults)} fault{'' if len(faults) == 1 else 's'}"


def without_name(message: str, name: object) -> str:
    """An error's message about the file `name`, without that name at its beginning."""
    return message.removeprefix(f"{name} ")
