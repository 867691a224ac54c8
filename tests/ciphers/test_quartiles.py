"""Quartile means: kernel, reference and description agree; blind to the keys that the canonical form is blind to."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given

from tests.ciphers.images import Case, cases, noise
from veilseg.ciphers import canonicalize, cipher, shuffle_pixels
from veilseg.ciphers.kernels import engine
from veilseg.ciphers.subblock import quartiles
from veilseg.errors import InvalidImageError, UsageError


def by_hand(pixels: np.ndarray, s: int) -> np.ndarray:
    """The specification, word by word."""
    out = np.empty_like(pixels)
    for y in range(0, pixels.shape[0], s):
        for x in range(0, pixels.shape[1], s):
            channels = []
            for channel in range(3):
                values = sorted(int(value) for value in pixels[y : y + s, x : x + s, channel].flat)
                bounds = [quarter * s * s // 4 for quarter in range(5)]
                quarters = [values[first:last] for first, last in pairwise(bounds)]
                means = [[(2 * sum(part) + len(part)) // (2 * len(part))] * len(part) for part in quarters if part]
                channels.append([value for part in means for value in part])
            channels.sort(key=lambda values: (sum(values), values))
            out[y : y + s, x : x + s] = np.array(channels).T.reshape(s, s, 3)
    return out


@given(cases())
def test_kernel_reference_and_description_agree(case: Case) -> None:
    original = case.pixels.copy()
    expected = by_hand(case.pixels, case.sub_block)
    kernel = quartiles(case.pixels, case.sub_block)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VEILSEG_NO_NUMBA", "1")
        reference = quartiles(case.pixels, case.sub_block)
    assert (kernel == expected).all()
    assert (reference == expected).all()
    assert (quartiles(kernel, case.sub_block) == kernel).all()
    assert (case.pixels == original).all()


@pytest.mark.parametrize("s", [2, 4, 8, 16])
def test_what_is_sent_follows_from_the_canonical_form_so_no_key_changes_it(s: int) -> None:
    pixels = noise(3, 32, 48)
    expected = quartiles(pixels, s)
    assert (quartiles(canonicalize(pixels, 16, s), s) == expected).all()
    assert (quartiles(shuffle_pixels(pixels, bytes(32), 16, s), s) == expected).all()
    if s > 2:
        assert len(np.unique(expected[:s, :s, 0])) <= 4
    else:  # a quarter of four values is one value
        assert (expected == canonicalize(pixels, 16, 2)).all()


def test_large_images_in_threads_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = noise(5, 64, 64)
    monkeypatch.setattr(engine, "SMALL", 0)
    monkeypatch.setattr(engine, "threads", lambda: 3)
    assert (quartiles(pixels, 4) == by_hand(pixels, 4)).all()


def test_it_is_a_cipher_without_key_or_options() -> None:
    made = cipher("subblock-quartiles", 16, 8)
    image = noise(4, 20, 30)
    encrypted = made.encrypt(image)
    assert (encrypted.header.sub_block, encrypted.header.channels, encrypted.header.shuffle) == (8, None, None)
    assert type(encrypted).from_bytes(encrypted.to_bytes()).header == encrypted.header
    assert (encrypted.pixels == quartiles(encrypted.pixels, 8)).all()
    with pytest.raises(UsageError, match="no option"):
        cipher("subblock-quartiles", channels="none")
    with pytest.raises(InvalidImageError):
        quartiles(noise(0, 15, 16), 4)
