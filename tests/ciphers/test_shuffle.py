"""subblock-shuffle on arrays: the described draws, kernel and reference alike, exactly uniform, and undone exactly."""

from __future__ import annotations

import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare

from tests.ciphers import oracle
from tests.ciphers.images import CHANNELS, SHUFFLES, Case, cases, noise
from veilseg.ciphers import canonicalize, shuffle_pixels
from veilseg.ciphers.kernels import engine
from veilseg.ciphers.keystream import Keystream
from veilseg.errors import InvalidImageError, UsageError

SUBKEY = bytes(range(32))
subkeys = st.binary(min_size=32, max_size=32)


@given(cases(), subkeys)
def test_kernel_reference_and_description_agree(case: Case, subkey: bytes) -> None:
    expected = oracle.encrypt(case.pixels, subkey, *case.arguments)
    original = case.pixels.copy()
    kernel = shuffle_pixels(case.pixels, subkey, *case.arguments)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VEILSEG_NO_NUMBA", "1")
        reference = shuffle_pixels(case.pixels, subkey, *case.arguments)
        back = shuffle_pixels(kernel, subkey, *case.arguments, inverse=True)
    assert (kernel == expected).all()
    assert (reference == expected).all()
    assert (back == case.pixels).all()
    assert (shuffle_pixels(kernel, subkey, *case.arguments, inverse=True) == case.pixels).all()
    assert (case.pixels == original).all()


@given(cases(), subkeys)
def test_the_canonical_form_forgets_the_keys(case: Case, subkey: bytes) -> None:
    """The theorem of the methods: C(Enc_k(x)) = C(x), for every key, option and tie."""
    encrypted = shuffle_pixels(case.pixels, subkey, *case.arguments)
    assert (canonicalize(encrypted, *case.arguments) == canonicalize(case.pixels, *case.arguments)).all()


@pytest.mark.parametrize("channels", CHANNELS)
@pytest.mark.parametrize("shuffle", SHUFFLES)
@pytest.mark.parametrize("sub_block", [4, 8, 16])
def test_the_canonical_form_forgets_a_hundred_keys(channels: str, shuffle: str, sub_block: int) -> None:
    pixels = noise(1, 32, 48, 4)
    expected = canonicalize(pixels, 16, sub_block, channels, shuffle)
    results = [shuffle_pixels(pixels, os.urandom(32), 16, sub_block, channels, shuffle) for _ in range(100)]
    assert all((canonicalize(result, 16, sub_block, channels, shuffle) == expected).all() for result in results)
    assert len({result.tobytes() for result in results}) == 100


@pytest.mark.parametrize("numba", [True, False])
def test_the_image_itself_stays(monkeypatch: pytest.MonkeyPatch, numba: bool) -> None:
    """One pixel looks contiguous from every side, so that views of it are easily taken for copies."""
    monkeypatch.setenv("VEILSEG_NO_NUMBA", "" if numba else "1")
    pixels = np.array([[[1, 2, 3]]], np.uint8)
    pixels.flags.writeable = False
    results = {tuple(shuffle_pixels(pixels, bytes([n]) * 32, 1, 1).ravel().tolist()) for n in range(60)}
    assert len(results) == 6
    assert pixels.tolist() == [[[1, 2, 3]]]


class Dropping(Keystream):
    """Streams with many words that are dropped for bounds that are no powers of two, or just not."""

    __slots__ = ()
    every = 7  # one word in so many is zero: rows run out of spare words, or go on at odd and even places
    edges: tuple[int, ...] = (0,)

    def words(self, stream: int, count: int, skip: int = 0) -> np.ndarray:
        words = super().words(stream, count, skip).copy()
        chosen = (np.arange(skip, skip + count) * 2654435761 + stream) % self.every == 0
        words[chosen] = np.array(self.edges, np.uint32)[words[chosen] % len(self.edges)]
        return words

    def rows(self, first: int, streams: int, count: int) -> np.ndarray:
        return np.stack([self.words(first + row, count) for row in range(streams)])


def check_dropping(monkeypatch: pytest.MonkeyPatch, pixels: np.ndarray, *arguments: int) -> None:
    """Encrypting and decrypting under `Dropping` is what the description says, with kernels and without."""

    def words(subkey: bytes, stream: int) -> list[int]:
        return iter(Dropping(subkey).words(stream, 20000).tolist())  # type: ignore[return-value]

    monkeypatch.setattr("veilseg.ciphers.subblock.shuffle.Keystream", Dropping)
    monkeypatch.setattr(oracle, "words", words)
    expected = oracle.encrypt(pixels, SUBKEY, *arguments, "sub-block", "channel")
    for disabled in ("", "1"):
        monkeypatch.setenv("VEILSEG_NO_NUMBA", disabled)
        assert (shuffle_pixels(pixels, SUBKEY, *arguments) == expected).all()
        assert (shuffle_pixels(expected, SUBKEY, *arguments, inverse=True) == pixels).all()


@pytest.mark.parametrize("every", [2, 7, 101, 1009])
@pytest.mark.parametrize("arguments", [(8, 4), (16, 8), (16, 16), (6, 3)])
def test_dropped_words(monkeypatch: pytest.MonkeyPatch, every: int, arguments: tuple[int, int]) -> None:
    """Rare in life (at s = 16 once in some ten rows of a large image), so forced here."""
    monkeypatch.setattr(Dropping, "every", every)
    check_dropping(monkeypatch, noise(2, 2 * arguments[0], 4 * arguments[0]), *arguments)


def test_words_that_are_just_dropped_and_just_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of one pixel take their draws two by two below 6 and 1: words where the value changes, and one less."""
    first = [-(-value * 2**32 // 6) for value in range(6)]
    lows = {word * 6 % 2**32 for word in first}
    assert min(lows) < 2**32 % 6 <= max(lows)  # some are dropped, some kept
    monkeypatch.setattr(Dropping, "every", 1)
    monkeypatch.setattr(Dropping, "edges", (*first, *[word - 1 for word in first[1:]]))
    check_dropping(monkeypatch, noise(3, 4, 64), 1, 1)


def outcomes(channels: str, shuffle: str, blocks: int) -> tuple[np.ndarray, np.ndarray]:
    """Permutations of 2 x 2 sub-blocks: (shuffle number 0..23 of every channel [n, 3], channel order 0..5 [n])."""
    pattern = (np.arange(4)[:, None] + 4 * np.arange(3)).astype(np.uint8).reshape(2, 2, 3)
    rows = 16
    pixels = np.tile(pattern, (rows, blocks // rows, 1))
    out = shuffle_pixels(pixels, SUBKEY, 2, 2, channels, shuffle)  # type: ignore[arg-type]
    cut = out.reshape(rows, 2, -1, 2, 3).transpose(0, 2, 4, 1, 3).reshape(-1, 3, 4)
    order = cut[:, :, 0] // 4
    places = np.take_along_axis(cut, np.argsort(order, axis=1)[:, :, None], axis=1) % 4
    powers = 4 ** np.arange(4)
    numbers = np.unique(np.array([p for p in np.ndindex(4, 4, 4, 4) if len(set(p)) == 4]) @ powers)
    return np.searchsorted(numbers, places @ powers), np.unique(order @ 3 ** np.arange(3), return_inverse=True)[1]


def uniform(numbers: np.ndarray, count: int) -> bool:
    return bool(chisquare(np.bincount(numbers, minlength=count)).pvalue > 1e-3)


@pytest.mark.parametrize("channels", ["sub-block", "block"])
def test_uniform_over_all_permutations_and_channel_orders(channels: str) -> None:
    """Jointly: 24 shuffles x 6 orders when shared, and every pair of the three shuffles and the order otherwise."""
    places, order = outcomes(channels, "shared", 144 * 160)
    assert (places == places[:, :1]).all()
    assert uniform(places[:, 0] * 6 + order, 144)
    places, order = outcomes(channels, "channel", 576 * 80)
    for c in range(3):
        assert uniform(places[:, c] * 6 + order, 144)
        assert uniform(places[:, c] * 24 + places[:, (c + 1) % 3], 576)


def test_neighbouring_sub_blocks_and_rows_are_independent() -> None:
    places, order = outcomes("sub-block", "shared", 576 * 80)
    assert uniform(places[:-1, 0] * 24 + places[1:, 0], 576)
    assert uniform(order[:-1] * 6 + order[1:], 36)
    rows = places[:, 0].reshape(16, -1)
    assert uniform((rows[:-1] * 24 + rows[1:]).reshape(-1), 576)


def test_large_images_in_threads_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = noise(3, 64, 64)
    monkeypatch.setattr(engine, "SMALL", 10**9)
    alone = shuffle_pixels(pixels, SUBKEY, 16, 4), canonicalize(pixels, 16, 4)
    monkeypatch.setattr(engine, "SMALL", 0)
    monkeypatch.setattr(engine, "threads", lambda: 3)
    assert (shuffle_pixels(pixels, SUBKEY, 16, 4) == alone[0]).all()
    assert (canonicalize(pixels, 16, 4) == alone[1]).all()


def test_arrays_that_are_not_contiguous() -> None:
    pixels = noise(4, 32, 32)
    turned = pixels.transpose(1, 0, 2)
    assert (shuffle_pixels(turned, SUBKEY, 16, 4) == shuffle_pixels(turned.copy(), SUBKEY, 16, 4)).all()


def test_refusals() -> None:
    good = noise(0, 16, 16)
    for bad in (good[:, :15], good[:0], good[..., :2], good.astype(float), good[..., 0], [[1]]):
        with pytest.raises(InvalidImageError):
            shuffle_pixels(bad, SUBKEY, 16, 4)  # type: ignore[arg-type]
    for block, sub_block in ((16, 5), (16, 0), (0, 1), (16, 32), (65, 65), (16, 4.0), (True, 1)):
        with pytest.raises(UsageError):
            shuffle_pixels(good, SUBKEY, block, sub_block)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="channels"):
        shuffle_pixels(good, SUBKEY, 16, 4, "all")  # type: ignore[arg-type]
