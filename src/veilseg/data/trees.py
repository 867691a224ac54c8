"""Datasets where they lie: in folders, or in official zips that are never unpacked."""

from __future__ import annotations

import os
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from veilseg.data.base import Sample, check_sizes, decode_image, decode_label
from veilseg.data.faults import Fault, PairFiles
from veilseg.errors import InvalidDataError

MAX_FILE = 64 << 20  # bytes of one image; a Cityscapes PNG has 2.5 MB


class FolderTree:
    """The files below `root`; names begin with the name of `root` itself, as they do in the official zips."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def names(self) -> list[str]:
        """All files, sorted, with forward slashes."""
        return sorted(p.relative_to(self.root.parent).as_posix() for p in self.root.rglob("*") if p.is_file())

    def read(self, name: str) -> bytes:
        """One file's bytes; InvalidDataError where it cannot be read."""
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
        """All files, sorted, with forward slashes."""
        return sorted(info.filename for info in self._file().infolist() if not info.is_dir())

    def read(self, name: str) -> bytes:
        """One file's bytes; InvalidDataError where it cannot be read, or is suspiciously large."""
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


Tree = FolderTree | ZipTree


def open_tree(root: Path, folder: str, archive: str) -> Tree:
    """`root`/`folder`, or the zip `root`/`archive` that holds such a folder. InvalidDataError where neither is."""
    if (root / folder).is_dir():
        return FolderTree(root / folder)
    if (root / archive).is_file():
        return ZipTree(root / archive)
    raise InvalidDataError(f"{root} holds neither {folder}/ nor {archive}", "give the folder that the dataset lies in")


@dataclass(frozen=True)
class Files:
    """The files of a tree called `begin` + stem + `end`."""

    tree: Tree
    begin: str
    end: str

    def stems(self) -> list[str]:
        """In the order of the names."""
        found = [name for name in self.tree.names() if name.startswith(self.begin) and name.endswith(self.end)]
        return [name.removeprefix(self.begin).removesuffix(self.end) for name in found]

    def path(self, stem: str) -> str:
        """One file's name in the tree."""
        return f"{self.begin}{stem}{self.end}"

    def read(self, stem: str) -> bytes:
        """One file's bytes."""
        return self.tree.read(self.path(stem))


class TreeData:
    """A dataset of images and labels that share a stem; samples are named by the stem's last part."""

    def __init__(
        self,
        name: str,
        images: Files,
        labels: Files,
        ids: np.ndarray,
        *,
        classes: tuple[str, ...],
        palette: np.ndarray,
    ) -> None:
        """List the files; `ids` is uint8 [256], the class id of every value of the label files.

        Raises InvalidDataError when there is no image. Images without a label are `faults`.
        """
        self.name, self.classes, self.palette = name, classes, palette
        self._images, self._labels, self._ids = images, labels, ids
        stems, labelled = images.stems(), set(labels.stems())
        if not stems:
            raise InvalidDataError(f"{name}: there are no files {images.begin}*{images.end}")
        self.faults = [
            Fault(images.path(stem), "a photograph without a label") for stem in stems if stem not in labelled
        ]
        self.stems = [stem for stem in stems if stem in labelled]

    def __len__(self) -> int:
        return len(self.stems)

    def files(self, index: int) -> PairFiles:
        """Those of the pair at `index`."""
        images, labels, stem = self._images, self._labels, self.stems[index]
        return PairFiles(images.read(stem), labels.read(stem), images.path(stem), labels.path(stem))

    def __getitem__(self, index: int) -> Sample:
        """The pair at `index`; InvalidDataError when a file is damaged or sizes differ."""
        stem = self.stems[index]
        image, label = decode_image(self._images.read(stem), stem), decode_label(self._labels.read(stem), stem)
        check_sizes(stem, image, label)
        return Sample(stem.rpartition("/")[2], image, self._ids[label])
