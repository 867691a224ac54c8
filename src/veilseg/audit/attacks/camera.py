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

LEAST = 0.3
"""Grey levels: the spread of a cell's mean by readout and rounding alone, where the scene is flat."""

Residual = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]


def residual(stored: Stored, side: int) -> Residual:
    """What the means of an image's cells have beside the scene, the means, and how much to trust each cell.

    float64 [h, w] each: differences from the neighbours' median, means 0..255, and one over the local variance: the
    pattern shows in sky and road, not at edges.
    """
    from scipy.ndimage import gaussian_filter, median_filter

    picture = means(grey(visible(stored))[..., None], side)[..., 0]
    noise = picture - median_filter(picture, 3)
    variance = gaussian_filter(noise**2, 1.5) + LEAST**2
    limit = 2 * np.sqrt(variance)
    return np.clip(noise, -limit, limit), picture, 1 / variance


def fingerprint(images: Sequence[Stored], side: int) -> NDArray[np.float64]:
    """The sensitivity of a camera's cells from photographs that it took, [h, w], around 0."""
    parts = [residual(stored, side) for stored in images]
    noise, picture, trust = (np.array(values) for values in zip(*parts, strict=True))
    found = (noise * picture * trust).sum(0) / ((picture**2 * trust).sum(0) + 1e-9)
    return np.asarray(found - np.median(found))


def likeness(stored: Stored, pattern: NDArray[np.float64], side: int) -> float:
    """How well a camera's pattern explains an image's residual: a correlation, every cell as far as it is trusted."""
    noise, picture, trust = residual(stored, side)
    wanted = pattern * picture
    return float((noise * wanted * trust).sum() / np.sqrt((noise**2 * trust).sum() * (wanted**2 * trust).sum() + 1e-12))
