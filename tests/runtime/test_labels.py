"""Label maps as palette PNGs, colours and overlays."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from veilseg.errors import InvalidImageError
from veilseg.runtime.labels import colorize, encode_label_png, overlay

PALETTE = np.array([(10, 20, 30), (200, 100, 0), (0, 255, 7)], np.uint8)
LABELS = np.array([[0, 1, 2], [255, 1, 0]], np.uint8)


def test_a_label_png_holds_the_ids_and_shows_the_palette() -> None:
    with Image.open(io.BytesIO(encode_label_png(LABELS, PALETTE))) as image:
        assert image.mode == "P"
        assert (np.asarray(image) == LABELS).all()
        assert (np.asarray(image.convert("RGB")) == colorize(LABELS, PALETTE)).all()


def test_colorize_shows_ignored_pixels_black() -> None:
    colours = colorize(LABELS, PALETTE)
    assert colours[0, 1].tolist() == [200, 100, 0]
    assert colours[1, 0].tolist() == [0, 0, 0]


def test_overlay_blends_and_leaves_ignored_pixels_alone() -> None:
    image = np.full((2, 3, 3), 100, np.uint8)
    mixed = overlay(image, LABELS, PALETTE, alpha=0.5)
    assert mixed[0, 1].tolist() == [150, 100, 50]
    assert mixed[1, 0].tolist() == [100, 100, 100]
    assert (overlay(image, LABELS, PALETTE, alpha=0) == image).all()
    assert (overlay(image, LABELS, PALETTE, alpha=1)[0] == colorize(LABELS, PALETTE)[0]).all()


def test_what_is_no_label_map_is_refused() -> None:
    with pytest.raises(InvalidImageError, match="label map is a uint8 array"):
        colorize(LABELS.astype(np.int64), PALETTE)
    with pytest.raises(InvalidImageError, match="label map is a uint8 array"):
        colorize(np.zeros((0, 4), np.uint8), PALETTE)
    with pytest.raises(InvalidImageError, match="palette"):
        colorize(LABELS, PALETTE.ravel())
    with pytest.raises(InvalidImageError, match="photograph is 4x2 but the label map 3x2"):
        overlay(np.zeros((2, 4, 3), np.uint8), LABELS, PALETTE)
