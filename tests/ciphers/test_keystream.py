"""The keystream: the bytes of AES-256-CTR, and draws that are exactly uniform."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare

from tests.ciphers import oracle
from veilseg.ciphers.keystream import Keystream, descending, shuffled

SUBKEY = bytes(range(32))


class Fixed(Keystream):
    """A stream of words chosen by the test."""

    __slots__ = ("_fixed",)

    def __init__(self, fixed: list[int]) -> None:
        super().__init__(SUBKEY)
        self._fixed = np.array(fixed, np.uint32)

    def words(self, stream: int, count: int, skip: int = 0) -> np.ndarray:
        return self._fixed[skip : skip + count]


@given(st.integers(0, 2**64 - 1), st.integers(0, 40), st.integers(0, 40))
def test_words(stream: int, count: int, skip: int) -> None:
    expected = list(itertools.islice(oracle.words(SUBKEY, stream), skip, skip + count))
    assert Keystream(SUBKEY).words(stream, count, skip).tolist() == expected


@given(st.integers(0, 2**64 - 5), st.integers(1, 4), st.integers(0, 40))
def test_rows_are_the_words_of_streams_in_order(first: int, streams: int, count: int) -> None:
    rows = Keystream(SUBKEY).rows(first, streams, count)
    assert rows.tolist() == [Keystream(SUBKEY).words(first + row, count).tolist() for row in range(streams)]


def test_streams_are_independent_of_order() -> None:
    keystream = Keystream(SUBKEY)
    late = keystream.words(7, 100).copy()
    keystream.words(3, 1000)
    assert (keystream.words(7, 100) == late).all()


@pytest.mark.parametrize("bound", [2, 3, 5, 6, 7, 12, 16, 100, 255, 256, 255 * 256, 4095 * 4096])
def test_every_value_has_the_same_number_of_words(bound: int) -> None:
    """The words that give v are one interval, of which only the first can be dropped: count what is left."""
    for v in range(0, bound, 1 + bound // 300):
        first, end = -(-v * 2**32 // bound), -(-(v + 1) * 2**32 // bound)
        drawn = Fixed([first, 2**32 - 1]).accepted(0, np.array([bound], np.uint32))
        dropped = int(drawn[0]) != first
        assert end - first - dropped == 2**32 // bound
        # Its second and last words are kept, and give v.
        for word in (first + 1, end - 1):
            assert Fixed([word, 0]).draw(0, np.array([bound], np.uint32)).tolist() == [v]


def test_dropped_words_shift_the_rest() -> None:
    """Word 0 is dropped for 3 (2**32 mod 3 = 1) and kept for 2 and 4."""
    bounds = np.array([4, 3, 2, 3], np.uint32)
    stream = Fixed([0, 0, 0, 2**31, 0, 0, 0, 2**32 - 1])
    assert stream.accepted(0, bounds).tolist() == [0, 2**31, 0, 2**32 - 1]
    assert stream.draw(0, bounds).tolist() == [0, 1, 0, 2]


@given(st.binary(min_size=32, max_size=32), st.integers(1, 60))
def test_draws_follow_the_description(subkey: bytes, count: int) -> None:
    assert shuffled(count, Keystream(subkey), 5).tolist() == oracle.fisher_yates(oracle.words(subkey, 5), count)


def test_permutations_of_four_and_five_are_uniform() -> None:
    keystream = Keystream(SUBKEY)
    for count, factorial in ((4, 24), (5, 120)):
        bounds = np.tile(descending(count), 100 * factorial)
        draws = keystream.draw(count, bounds).reshape(-1, count - 1)
        radix = np.zeros(len(draws), int)  # a permutation is its draws: the factorial number system
        for t in range(count - 1):
            radix = radix * (count - t) + draws[:, t]
        assert chisquare(np.bincount(radix, minlength=factorial)).pvalue > 1e-3
    # And different draws are different permutations.
    seen = {tuple(shuffled(4, Keystream(SUBKEY), stream).tolist()) for stream in range(400)}
    assert len(seen) == 24
