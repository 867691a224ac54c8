"""Photographs that somebody else has, one of which may be what was sent: as they are, or as they went around."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO

import numpy as np
from PIL import Image

from veilseg.audit.base import Pixels
from veilseg.audit.samples import AuditSample

#: What was done to the photographs.
ITSELF, CHANGED, CROPPED = "as it was", "JPEG 50, brightness, half the size", "a crop of nine tenths a side"


def candidates(
    samples: Sequence[AuditSample], references: Sequence[Pixels], seed: int
) -> dict[str, tuple[Pixels, ...]]:
    """The samples' photographs in their order, each changed alike, and after them public ones, by the change."""
    rng = np.random.default_rng(seed)
    images = [sample.image for sample in samples]
    return {
        ITSELF: (*images, *references),
        CHANGED: (*(changed(image, rng) for image in images), *references),
        CROPPED: (*(cropped(image, rng) for image in images), *references),
    }


def changed(image: Pixels, rng: np.random.Generator) -> Pixels:
    """Uint8 [H, W, 3] brighter or darker by up to a fifth, of half the size, as a JPEG of quality 50."""
    small = Image.fromarray(image).resize((max(1, image.shape[1] // 2), max(1, image.shape[0] // 2)))
    lit = np.clip(np.asarray(small, np.float64) * rng.uniform(0.8, 1.2), 0, 255).astype(np.uint8)
    file = BytesIO()
    Image.fromarray(lit).save(file, "JPEG", quality=50)
    return np.asarray(Image.open(file))


def cropped(image: Pixels, rng: np.random.Generator) -> Pixels:
    """Nine tenths of either side, at a place of its own."""
    height, width = image.shape[:2]
    top, left = (int(rng.integers(0, side - side * 9 // 10 + 1)) for side in (height, width))
    return image[top : top + height * 9 // 10, left : left + width * 9 // 10]
