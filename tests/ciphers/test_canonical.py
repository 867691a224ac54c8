"""The canonical form: kernel, reference and description agree; it forgets what keys change and keeps the rest."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given

from tests.ciphers import oracle
from tests.ciphers.images import Case, cases, noise
from veilseg.ciphers import canonicalize
from veilseg.ciphers.grid import cut_regions
from veilseg.ciphers.subblock import mosaic, reference
from veilseg.errors import InvalidImageError, UsageError


@given(cases())
def test_kernel_reference_and_description_agree(case: Case) -> None:
    original = case.pixels.copy()
    expected = oracle.canonicalize(case.pixels, *case.arguments)
    kernel = canonicalize(case.pixels, *case.arguments)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VEILSEG_NO_NUMBA", "1")
        reference = canonicalize(case.pixels, *case.arguments)
    assert (kernel == expected).all()
    assert (reference == expected).all()
    assert (canonicalize(kernel, *case.arguments) == kernel).all()
    assert (case.pixels == original).all()


@given(cases())
def test_values_stay_in_their_sub_blocks(case: Case) -> None:
    result = canonicalize(case.pixels, *case.arguments)
    for image in (case.pixels, result):
        assert image.shape == case.pixels.shape
    before, after = (
        np.sort(cut_regions(image, case.sub_block, case.sub_block).reshape(-1, 3 * case.sub_block**2), axis=1)
        for image in (case.pixels, result)
    )
    assert (before == after).all()


def test_wide_images_fill_several_batches_of_lanes() -> None:
    pixels = noise(5, 16, 16 * 45)
    for sub_block in (4, 8, 16):
        for shuffle in ("channel", "shared"):
            arguments = (16, sub_block, "sub-block", shuffle)
            assert (canonicalize(pixels, *arguments) == oracle.canonicalize(pixels, *arguments)).all()


def test_a_pixel_by_hand() -> None:
    """Sums 9, 6, 6: the last two tie, and are ordered by their sorted values (0, 6) < (3, 3)."""
    pixels = np.array([[[5, 3, 6], [4, 3, 0]], [[0, 0, 0], [0, 0, 0]]], np.uint8)
    expected = [[[0, 0, 0], [0, 0, 0]], [[0, 3, 4], [6, 3, 5]]]
    assert canonicalize(pixels, 2, 2).tolist() == expected


@given(cases())
def test_mosaic(case: Case) -> None:
    s = case.sub_block
    result = mosaic(case.pixels, s)
    assert (result == reference.mosaic(case.pixels, s)).all()
    assert result.dtype == np.uint8
    cut, mean = cut_regions(case.pixels, s, s)[:, :, 0].astype(int), cut_regions(result, s, s)[:, :, 0].astype(int)
    assert (mean == mean[..., :1]).all()
    # |mean - sum / n| <= 1/2, halves up, in whole numbers
    off = 2 * (mean[..., 0] * s * s - cut.sum(axis=-1))
    assert ((-s * s < off) & (off <= s * s)).all()


def test_mosaic_of_extremes() -> None:
    assert (mosaic(np.full((64, 64, 3), 255, np.uint8), 64) == 255).all()


def test_refusals() -> None:
    for bad in (noise(0, 15, 16), noise(0, 16, 0), noise(0, 16, 16).astype(np.int32)):
        with pytest.raises(InvalidImageError):
            canonicalize(bad, 16, 4)
        with pytest.raises(InvalidImageError):
            mosaic(bad, 4)
    with pytest.raises(UsageError):
        canonicalize(noise(0, 16, 16), 16, 4, shuffle="all")  # type: ignore[arg-type]
