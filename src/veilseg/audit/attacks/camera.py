"""Which camera took an encrypted photograph, by the pattern of its sensor [Lukas 2006].

Every pixel of a sensor is a little more or less sensitive than its neighbours, always the same. The means of cells keep
what does not cancel out within a cell. Not one of the audit's attacks on a folder: it needs photographs of several
cameras. bench/camera.py measures it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from veilseg.audit.base import Stored
from veilseg.audit.picture import grey, means, visible

SMOOTH = 1.0
"""Cells: the scene is what is left of a picture that is smoothed so much."""


def residual(stored: Stored, side: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """What the means of an image's cells have beside the scene, and the means: float64 [h, w] each, 0..255.

    Edges of the scene, where smoothing leaves most, are toned down.
    """
    from scipy.ndimage import gaussian_filter, median_filter

    picture = means(grey(visible(stored))[..., None], side)[..., 0]
    noise = picture - gaussian_filter(median_filter(picture, 3), SMOOTH)
    spread = np.sqrt(gaussian_filter(noise**2, 2 * SMOOTH)) + 1.0
    return noise / spread, picture


def fingerprint(images: Sequence[Stored], side: int) -> NDArray[np.float64]:
    """The sensitivity of a camera's cells from photographs that it took, [h, w], around 0."""
    pairs = [residual(stored, side) for stored in images]
    noises, pictures = np.array([noise for noise, _ in pairs]), np.array([picture for _, picture in pairs])
    found = (noises * pictures).sum(0) / (pictures**2).sum(0)
    return np.asarray(found - found.mean())


def likeness(stored: Stored, pattern: NDArray[np.float64], side: int) -> float:
    """The correlation of an image's residual with what a camera's pattern would make of it, -1..1."""
    noise, picture = residual(stored, side)
    wanted = pattern * picture
    noise, wanted = noise - noise.mean(), wanted - wanted.mean()
    return float((noise * wanted).sum() / (np.linalg.norm(noise) * np.linalg.norm(wanted) + 1e-12))
