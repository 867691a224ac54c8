"""Labels are turned exactly as photographs are."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from veilseg.data.orientation import is_hidden, orientation_of, stored_size, turn
from veilseg.images import open_image


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF"])
def test_as_photographs_are_turned(kind: str, orientation: int, tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 2, (4, 6), np.uint8).repeat(8, 0).repeat(8, 1) * 255
    exif = Image.Exif()
    exif[0x0112] = orientation
    buffer = io.BytesIO()
    Image.fromarray(pixels).convert("RGB").save(buffer, kind, exif=exif)
    shown = open_image(buffer.getvalue())[..., 0] > 127
    (tmp_path / "file").write_bytes(buffer.getvalue())
    for source in (buffer.getvalue(), tmp_path / "file"):
        assert orientation_of(source) == orientation
        assert stored_size(source) == (32, 48)
    assert np.array_equal(turn(pixels, orientation) > 127, shown)
    assert is_hidden(orientation, *shown.shape) == (orientation in (2, 3, 4))
    assert is_hidden(orientation, 5, 5) == (orientation != 1)


def test_what_is_no_image_is_upright() -> None:
    assert orientation_of(b"nothing") == 1
