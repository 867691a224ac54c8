"""The demo's pictures: what is sent, close-ups, and images as text for a page without other files."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass

import numpy as np
from PIL import Image

from veilseg import ciphers
from veilseg.ciphers.subblock.mosaic import mosaic
from veilseg.data.base import Box, Sample
from veilseg.data.camvid import CAMVID_CLASSES
from veilseg.keys import Key

ASPECT, GRID = 1.6, 16  # of close-ups: width to height, and the pixels that their sides are multiples of


@dataclass(frozen=True)
class SentImage:
    """What is sent under one cipher, and the mosaic that can be read from it without a key; uint8 [H, W, 3] both."""

    name: str
    pixels: np.ndarray
    mosaic: np.ndarray


def best_scene(scenes: list[Sample]) -> int:
    """The index of the scene that shows most: people, whom it is about, many classes, and a plate that can be read."""

    def worth(scene: Sample) -> float:
        plate = max((x1 - x0 for _, (x0, _, x1, _) in scene.plates), default=0)
        shares = np.bincount(scene.label.ravel(), minlength=256)[:255] / scene.label.size
        people = shares[CAMVID_CLASSES.index("pedestrian")]
        return float(min(plate, 60) / 10 + (shares > 0.004).sum() + 200 * min(people, 0.04))

    return max(range(len(scenes)), key=lambda index: worth(scenes[index]))


def plate_box(scene: Sample) -> Box | None:
    """A box around the largest number plate, on the block grid, inside the image; None where there is no plate."""
    if not scene.plates:
        return None
    _, (x0, y0, x1, y1) = max(scene.plates, key=lambda plate: (plate[1][2] - plate[1][0]) * (plate[1][3] - plate[1][1]))
    height, width = scene.label.shape
    wide = min(width, -(-max(2 * (x1 - x0), int(ASPECT * 2.5 * (y1 - y0)), 4 * GRID) // GRID) * GRID)
    high = min(height, -(-int(wide / ASPECT) // GRID) * GRID)
    return _box((x0 + x1) // 2, (y0 + y1) // 2, wide, high, width, height)


def street_box(scene: Sample, wide: int, high: int) -> Box:
    """A box of `wide` x `high` pixels around the largest plate (or the middle), on the block grid, inside the image."""
    height, width = scene.label.shape
    wide, high = min(wide, width), min(high, height)
    near = plate_box(scene) or (width // 2, height // 2, width // 2, height // 2)
    return _box((near[0] + near[2]) // 2, (near[1] + near[3]) // 2, wide, high, width, height)


def crop(image: np.ndarray, box: Box) -> np.ndarray:
    """The part of an array [H, W, ...] inside `box`."""
    return image[box[1] : box[3], box[0] : box[2]]


def sent_images(image: np.ndarray, sub_blocks: tuple[int, ...], block: int) -> list[SentImage]:
    """`image` (uint8 [H, W, 3]) under fresh, discarded keys for every size of sub-block, and one key for blocks."""
    height, width = image.shape[:2]
    result = []
    for s in sub_blocks:
        sent = np.asarray(ciphers.cipher("subblock-shuffle", sub_block=s).encrypt(image))
        # In colour: the means survive the shuffle, and neighbouring sub-blocks betray the order of the channels.
        result.append(SentImage(f"s = {s}", sent[:height, :width], mosaic_of(image, s)))
    sent = np.asarray(ciphers.cipher("patch-permutation", block=block).encrypt(image, Key.generate()))[:height, :width]
    # In grey: one permutation of a whole block mixes the channels, and keeps the mean of all values.
    grey = np.rint(mosaic_of(image, block).mean(2, keepdims=True)).astype(np.uint8).repeat(3, axis=2)
    return [*result, SentImage("one key", sent, grey)]


def sorted_pixels(image: np.ndarray, sub_block: int) -> np.ndarray:
    """`image` (uint8 [H, W, 3], any size) in its canonical form, the other way to send what the shuffle leaves."""
    encrypted = ciphers.cipher("subblock-sort", sub_block=sub_block).encrypt(image)
    return np.asarray(encrypted)[: image.shape[0], : image.shape[1]]


def mosaic_of(image: np.ndarray, sub_block: int) -> np.ndarray:
    """`image` (uint8 [H, W, 3]) with every sub-block replaced by its mean, of any size."""
    height, width = image.shape[:2]
    padded = np.pad(image, [(0, -height % sub_block), (0, -width % sub_block), (0, 0)], "reflect")
    return mosaic(padded, sub_block)[:height, :width]


def data_uri(image: np.ndarray) -> str:
    """`image` (uint8 [H, W, 3]) as a lossless picture inside a URI: an encrypted one would not survive JPEG."""
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(image)).save(buffer, "WEBP", lossless=True, quality=20)
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def _box(x: int, y: int, wide: int, high: int, width: int, height: int) -> Box:
    left = min(max(0, x - wide // 2), width - wide) // GRID * GRID
    top = min(max(0, y - high // 2), height - high) // GRID * GRID
    return left, top, left + wide, top + high
