"""lookup: which of the photographs that somebody has was sent: an encrypted image is a fingerprint.

What a cell keeps, its mean, is compared with the means that a candidate would have. Other keys do not help: the means
are the same under all of them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from veilseg.audit.base import Attack, Evidence, Finding, Pixels
from veilseg.audit.picture import grey, means, visible
from veilseg.ciphers import Cipher

LARGEST = 60
"""Squares along the longer side that are compared at most."""

SIZES = (1.0, 0.95, 0.9)
"""The candidate's sides, in shares of the photograph that was sent: 1 unless it is a crop."""

BROAD = 3.0
"""Squares: light that is broader is left out, because exposure and shadows change it."""


class Lookup(Attack):
    """Finds photographs again among candidates: the highest correlation at any place."""

    name = "lookup"
    needs = "photographs of which one may have been sent, perhaps changed or cropped"
    cost = "milliseconds for an image and a candidate"

    def fits(self, cipher: Cipher) -> bool:
        """Ciphers that keep the mean of every sub-block, or of every block."""
        return cipher.facts.sub_blocks or cipher.facts.mechanism == "permutation"

    def run(self, evidence: Evidence) -> Finding:
        """For every encrypted image the likest candidate, by what was done to the candidates."""
        side = evidence.cipher.spec.cell
        sent = [means(grey(visible(stored))[..., None], side)[..., 0] for stored in evidence.encrypted]
        return Finding(matches={name: find(sent, others) for name, others in evidence.candidates.items()})


def find(sent: Sequence[NDArray[np.float64]], candidates: Sequence[Pixels]) -> list[int]:
    """The index of the likest candidate, uint8 [H, W, 3] of any size, for every picture of means [h, w]."""
    greys = [grey(candidate) for candidate in candidates]
    found = []
    templates: dict[tuple[int, ...], NDArray[np.complex128]] = {}
    for picture in sent:
        scale = min(1.0, LARGEST / max(picture.shape))
        grid = (max(3, round(scale * picture.shape[0])), max(3, round(scale * picture.shape[1])))
        if grid not in templates:  # [candidates, sizes, h, w / 2 + 1]
            sides = [(max(3, round(size * grid[0])), max(3, round(size * grid[1]))) for size in SIZES]
            templates[grid] = np.array([[np.fft.rfft2(_detail(one, *side), grid) for side in sides] for one in greys])
        spectrum = np.fft.rfft2(_detail(picture, *grid))
        likeness = np.fft.irfft2(spectrum * templates[grid].conj(), grid).max(axis=(1, 2, 3))
        found.append(int(likeness.argmax()))
    return found


def _detail(picture: NDArray[np.float64], height: int, width: int) -> NDArray[np.float64]:
    """A picture [H, W] of so many squares, without its broad light, of length one."""
    from scipy.ndimage import gaussian_filter

    small = Image.fromarray(picture.astype(np.float32)).resize((width, height), Image.Resampling.BOX)
    detail = np.asarray(small, np.float64)
    detail = detail - gaussian_filter(detail, BROAD)
    return np.asarray(detail / (np.linalg.norm(detail) + 1e-9))
