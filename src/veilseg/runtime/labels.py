"""Label maps as files and as pictures: palette PNGs, and overlays on the photograph."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from veilseg.errors import InvalidImageError


def encode_label_png(labels: np.ndarray, palette: np.ndarray) -> bytes:
    """`labels` uint8 [H, W] as a palette PNG: every pixel holds its class id, viewers show `palette` (uint8 [K, 3]).

    Ids beyond the palette (255, ignored) are shown black. Raises InvalidImageError for arrays that are no label maps.
    """
    _check(labels, palette)
    image = Image.fromarray(labels)
    image.putpalette(_full_palette(palette).tobytes())
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=6)  # Pillow's optimize takes six times as long for 5 % fewer bytes
    return buffer.getvalue()


def colorize(labels: np.ndarray, palette: np.ndarray) -> np.ndarray:
    """`labels` uint8 [H, W] in the colours of `palette` (uint8 [K, 3]): uint8 [H, W, 3]; ids beyond it are black."""
    _check(labels, palette)
    colours: np.ndarray = _full_palette(palette)[labels]
    return colours


def overlay(image: np.ndarray, labels: np.ndarray, palette: np.ndarray, alpha: float = 0.5) -> np.ndarray:
    """The photograph uint8 [H, W, 3] under its label map uint8 [H, W]: uint8 [H, W, 3].

    `alpha` (0..1) is the weight of the colours; ignored pixels (ids beyond the palette) show the photograph alone.
    Raises InvalidImageError when the sizes differ.
    """
    _check(labels, palette)
    if image.shape != (*labels.shape, 3):
        sizes = image.shape[1], image.shape[0], labels.shape[1], labels.shape[0]
        raise InvalidImageError(
            "the photograph is {}x{} but the label map {}x{}".format(*sizes),
            hint="give the photograph that was encrypted",
        )
    weight = np.where(labels < len(palette), np.float32(alpha), np.float32(0))[..., None]
    mixed = image * (1 - weight) + colorize(labels, palette) * weight
    return np.asarray(np.rint(mixed).clip(0, 255), np.uint8)


def _full_palette(palette: np.ndarray) -> np.ndarray:
    full = np.zeros((256, 3), np.uint8)
    full[: len(palette)] = palette
    return full


def _check(labels: np.ndarray, palette: np.ndarray) -> None:
    if labels.dtype != np.uint8 or labels.ndim != 2 or labels.size == 0:
        raise InvalidImageError(f"a label map is a uint8 array [H, W], not {labels.dtype} {list(labels.shape)}")
    if palette.ndim != 2 or palette.shape[1] != 3 or not 1 <= len(palette) <= 256:
        raise InvalidImageError(f"a palette is a uint8 array [K, 3], not {list(palette.shape)}")
