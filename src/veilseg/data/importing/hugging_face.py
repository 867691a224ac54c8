"""A Hugging Face dataset in a folder: parquet files, or pictures with metadata.jsonl or metadata.csv."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

from veilseg.data.faults import Fault
from veilseg.data.importing.levels import draw_mask, ids_of
from veilseg.data.importing.source import Source, SourceClass, SourceItem, flat, split_of
from veilseg.data.importing.table import read_table
from veilseg.errors import InvalidDataError, UsageError
from veilseg.install import install_hint

_IMAGES = ("image", "pixel_values", "img", "image_file_name", "file_name")
_USUAL = ("label", "annotation", "mask", "segmentation_mask", "semantic_mask", "segmentation", "labels", "seg")
_LABELS = (*_USUAL, *(f"{name}_file_name" for name in _USUAL))
_NAMES = "id2label.json"
_BEGINNINGS = ((b"\x89PNG", ".png"), (b"\xff\xd8", ".jpg"), (b"RIFF", ".webp"), (b"BM", ".bmp"))
#: A picture's name, its photograph's and its mask's bytes, and the part of the dataset.
_Row = tuple[str, Callable[[], bytes], Callable[[], bytes], str | None]


def read_hugging_face(root: Path, images: Path | None, table: list[SourceClass] | None) -> Source:
    """Photographs and masks of ids (or of a table's colours), in two columns of the names that are usual.

    Classes are those of the table, else of id2label.json, else the ids; parts are those of the dataset.
    """
    if images is not None:
        raise UsageError("a Hugging Face dataset holds its photographs", "leave --images out")
    if not root.is_dir():
        raise UsageError(f"there is no folder {root}", "hugging-face:DIR is a dataset that was downloaded")
    parquet = sorted(root.rglob("*.parquet"))
    metadata = sorted(path for path in root.rglob("metadata.*") if path.suffix in (".jsonl", ".csv"))
    if not parquet and not metadata:
        raise UsageError(f"{root} holds neither parquet files nor metadata.jsonl or metadata.csv", "download it whole")
    source = Source([])
    rows = [row for path in parquet for row in _parquet(path)]
    rows += [row for path in metadata for row in _folder(path, root, source.faults)]
    for name, read, read_mask, split in rows:
        draw = partial(draw_mask, read_mask, source)
        source.items.append(SourceItem(flat(name), name, f"the mask of {name}", read, draw, split))
    if table is None and (root / _NAMES).is_file():
        table = read_table(root / _NAMES)
    source.classes = table or ids_of((name, read_mask) for name, _, read_mask, _ in rows)
    return source


def _column(columns: Sequence[str], usual: Sequence[str], what: str, path: Path) -> str:
    """The one of `columns` that holds photographs or masks; raises InvalidDataError where none has a usual name."""
    found = next((name for name in usual if name in columns), None)
    if found is None:
        raise InvalidDataError(
            f"{path} has no column of {what}: it has {', '.join(columns)[:200]}", f"usual are {', '.join(usual)}"
        )
    return found


class _Parquet:
    """A parquet file's pictures; the group of rows that was asked for last is kept."""

    def __init__(self, path: Path) -> None:
        """Raises InvalidDataError for what is no parquet file, or where the package is missing."""
        try:
            from pyarrow import ArrowException
            from pyarrow.parquet import ParquetFile
        except ImportError as error:
            raise InvalidDataError("parquet files need the package pyarrow", install_hint("data")) from error
        try:
            self.file = ParquetFile(path)
        except (ArrowException, OSError) as error:
            raise InvalidDataError(f"{path} is no parquet file that can be read", "download it again") from error
        columns = self.file.schema_arrow.names
        self.columns = [_column(columns, _IMAGES, "photographs", path), _column(columns, _LABELS, "masks", path)]
        self._path, self._group, self._rows = path, -1, None

    def cell(self, group: int, row: int, column: int) -> dict[str, Any]:
        """A picture as {"bytes": ..., "path": ...}. Raises InvalidDataError, about the picture, for something else."""
        from pyarrow import ArrowException

        if group != self._group:
            try:
                self._rows = self.file.read_row_group(group, columns=self.columns)
            except (ArrowException, OSError) as error:
                raise InvalidDataError(f"cannot be read from {self._path.name}") from error
            self._group = group
        value = self._rows[self.columns[column]][row].as_py()  # type: ignore[index]
        if not isinstance(value, dict) or not isinstance(value.get("bytes"), bytes):
            raise InvalidDataError(f"has no bytes in {self._path.name}, column {self.columns[column]}")
        return value

    def read(self, group: int, row: int, column: int) -> bytes:
        """A picture's bytes."""
        data: bytes = self.cell(group, row, column)["bytes"]
        return data


def _parquet(path: Path) -> Iterator[_Row]:
    """Rows are called by the path in them, else by their number; the part is what the file's name begins with."""
    file = _Parquet(path)
    number = 0
    for group in range(file.file.num_row_groups):
        for row in range(file.file.metadata.row_group(group).num_rows):
            try:
                cell = file.cell(group, row, 0)
                beginning = cell["bytes"][:4]
                suffix = next((end for begin, end in _BEGINNINGS if beginning.startswith(begin)), ".jpg")
                own = PurePosixPath(str(cell.get("path") or f"{path.stem}-{number:06d}{suffix}")).name
            except InvalidDataError:
                own = f"{path.stem}-{number:06d}.jpg"  # said when it is read
            split = split_of(f"{path.stem.partition('-')[0]}/")
            name = f"{split}/{own}" if split else own
            yield name, partial(file.read, group, row, 0), partial(file.read, group, row, 1), split
            number += 1


def _folder(path: Path, root: Path, faults: list[Fault]) -> Iterator[_Row]:
    """The rows of metadata.jsonl or metadata.csv, whose files lie beside it."""
    for number, row in enumerate(_metadata(path), 1):
        columns = [name for name in row if name is not None]  # the key of cells beyond the head
        image, label = _column(columns, _IMAGES, "photographs", path), _column(columns, _LABELS, "masks", path)
        files = [path.parent / str(row[name]) for name in (image, label)]
        missing = [file for file in files if not file.is_file() or not file.resolve().is_relative_to(root.resolve())]
        if missing:
            faults.append(Fault(f"{path}, line {number}", f"there is no file {missing[0].name} beside it"))
            continue
        name = files[0].relative_to(root).as_posix()
        yield name, files[0].read_bytes, files[1].read_bytes, split_of(name)


def _metadata(path: Path) -> Iterable[dict[str, Any]]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = (
                list(csv.DictReader(file))
                if path.suffix == ".csv"
                else [json.loads(line) for line in file if line.strip()]
            )
    except (OSError, ValueError, csv.Error) as error:
        raise InvalidDataError(f"{path} cannot be read", "one JSON object, or one row, for each picture") from error
    if not all(isinstance(row, dict) for row in rows):
        raise InvalidDataError(f"{path} holds rows that are no objects")
    return rows
