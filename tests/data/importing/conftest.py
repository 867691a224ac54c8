"""Photographs of 12 x 8 pixels, and what an import makes of labels for them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from veilseg.data import open_data
from veilseg.data.importing.mapping import Choices, make_mapping
from veilseg.data.importing.registry import read_source
from veilseg.data.importing.table import read_table
from veilseg.data.importing.writing import Written, write_source

SIZE = (8, 12)
_ORIENTATION_TAG = 0x0112


@dataclass
class Imported:
    """The new folder, what was said, and labels by name over all parts."""

    folder: Path
    written: Written
    classes: tuple[str, ...]
    labels: dict[str, np.ndarray]

    def rows(self, name: str) -> list[str]:
        """A label as text: one digit a pixel, . for ignored."""
        return ["".join("." if value == 255 else str(value) for value in row) for row in self.labels[name]]

    @property
    def faults(self) -> list[str]:
        return [f"{Path(fault.file).name}: {fault.what}" for fault in self.written.faults]


@dataclass
class Desk:
    """A folder to draw a source in, and to import it from."""

    root: Path

    def photo(self, name: str, size: tuple[int, int] = SIZE, orientation: int = 1) -> Path:
        """A photograph of height, width as they lie in the file."""
        path = self.root / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        exif = Image.Exif()
        exif[_ORIENTATION_TAG] = orientation
        noise = np.random.default_rng(len(name)).integers(0, 256, (*size, 3), np.uint8)
        Image.fromarray(noise).save(path, exif=exif)
        return path

    def write(self, name: str, content: Any) -> Path:
        """A file of JSON, text or bytes."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not isinstance(content, bytes):
            content = (content if isinstance(content, str) else json.dumps(content)).encode()
        path.write_bytes(content)
        return path

    def run(
        self,
        spec: str,
        images: str | None = "photos",
        table: str | bytes | None = None,
        choices: dict[str, Any] | None = None,
        **options: Any,
    ) -> Imported:
        """Import FORMAT:PATH below the folder."""
        kind, _, where = spec.partition(":")
        classes = None if table is None else read_table(self.write("classes.txt", table))
        source = read_source(f"{kind}:{self.root / where}", None if images is None else self.root / images, classes)
        mapping = make_mapping(source, Choices(**(choices or {})))
        written = write_source(source, mapping, self.root / "out", **options)
        labels: dict[str, np.ndarray] = {}
        for part in written.parts:
            data = open_data(f"folder:{self.root / 'out'}", part)
            assert data.classes == mapping.classes
            labels |= {sample.name: sample.label for sample in (data[index] for index in range(len(data)))}
        return Imported(self.root / "out", written, mapping.classes, labels)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)
