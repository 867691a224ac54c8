"""Small datasets on disk for the tests of data."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

Write = Callable[..., Path]


@pytest.fixture
def write_pair(tmp_path: Path) -> Write:
    """Writes one pair of 6x8 pixels below tmp_path; `label` is a class id for the whole map, or an array."""

    def write(images: str, labels: str, stem: str, label: object = 0, suffix: str = ".png") -> Path:
        pixels = np.full((6, 8, 3), 90, np.uint8)
        ids = np.full((6, 8), label, np.uint8) if isinstance(label, int) else np.asarray(label)
        for folder, array, ending in ((images, pixels, suffix), (labels, ids, ".png")):
            (tmp_path / folder).mkdir(parents=True, exist_ok=True)
            Image.fromarray(array).save(tmp_path / folder / (stem + ending))
        return tmp_path

    return write
