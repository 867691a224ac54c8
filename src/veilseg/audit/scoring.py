"""Scoring: how near an attack came to the plain images and to the key. Metrics are scikit-image's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from veilseg.audit.base import Pixels
from veilseg.audit.picture import grey

MAX_PSNR = 99.0
"""In place of infinity, which JSON does not have: equal images."""

NEAR = 0.99
"""The share of a permutation's entries from which the key counts as recovered: what is left is single pixels."""

CLOSE_MATRIX = 0.05
"""The relative error of a matrix, ||guess - truth|| / ||truth||, below which the key counts as recovered."""


@dataclass(frozen=True)
class Similarity:
    """How near a picture comes to the truth. ssim and psnr (dB) compare the grey means, colour_ssim the channels."""

    ssim: float
    psnr: float
    colour_ssim: float

    def to_dict(self) -> dict[str, float]:
        """Rounded, for JSON."""
        return {"ssim": round(self.ssim, 4), "psnr": round(self.psnr, 2), "colour_ssim": round(self.colour_ssim, 4)}


def compare(found: Pixels, truth: Pixels) -> Similarity:
    """Compare uint8 [H, W, 3] of at least 7 x 7 pixels; grey is the mean of the channels, in any order."""
    from skimage.metrics import peak_signal_noise_ratio, structural_similarity

    first, second = grey(found), grey(truth)
    same = np.array_equal(first, second)
    return Similarity(
        ssim=float(structural_similarity(second, first, data_range=255)),
        psnr=MAX_PSNR if same else min(MAX_PSNR, float(peak_signal_noise_ratio(second, first, data_range=255))),
        colour_ssim=float(structural_similarity(truth, found, channel_axis=2, data_range=255)),
    )


def score_order(found: NDArray[np.int64], truth: NDArray[np.int64]) -> dict[str, Any]:
    """A permutation against the key's: shares of right entries, also with the channels' names forgotten."""
    right = float((found == truth).mean())
    plane = len(truth) // 3
    renamed = max(
        float((names[found // plane] * plane + found % plane == truth).mean())
        for names in (np.array(order) for order in ((0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)))
    )
    return {
        "entries_right": round(right, 4),
        "entries_right_but_for_channel_names": round(renamed, 4),
        "key_recovered": right >= NEAR,
    }


def score_matrix(found: NDArray[np.float64], truth: NDArray[np.float64]) -> dict[str, Any]:
    """A matrix against the key's: relative Frobenius error (0 is equal, about 1.41 a random orthogonal matrix)."""
    error = float(np.linalg.norm(found - truth) / np.linalg.norm(truth))
    return {"relative_error": round(error, 5), "key_recovered": error < CLOSE_MATRIX}
