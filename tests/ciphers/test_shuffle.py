"""subblock-shuffle on arrays: the described draws, kernel and reference alike, exactly uniform, and undone exactly."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare

from tests.ciphers import oracle
from tests.ciphers.images import Case, both_ways, cases, noise
from veilseg.ciphers.kernels import engine
from veilseg.ciphers.keystream import Keystream
from veilseg.ciphers.subblock.shuffle import shuffle_pixels
from veilseg.errors import InvalidImageError

SUBKEY = bytes(range(32))
subkeys = st.binary(min_size=32, max_size=32)


@given(cases(), subkeys)
def test_kernel_reference_and_description_agree(case: Case, subkey: bytes) -> None:
    given, original = (subkey, case.block, case.sub_block), case.pixels.copy()
    expected = oracle.shuffle(case.pixels, *given)
    for encrypted in both_ways(lambda: shuffle_pixels(case.pixels, *given)):
        assert (encrypted == expected).all()
    for plain in both_ways(lambda: shuffle_pixels(expected, *given, inverse=True)):
        assert (plain == original).all()
    assert (case.pixels == original).all()


def test_the_image_itself_stays() -> None:
    """Of one block, views look contiguous from many sides and are easily taken for copies."""
    pixels = noise(0, 2, 2)
    original = pixels.copy()
    pixels.flags.writeable = False
    for results in both_ways(lambda: {shuffle_pixels(pixels, bytes([n]) * 32, 2, 2).tobytes() for n in range(20)}):
        assert len(results) == 20
    assert (pixels == original).all()


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


def check_dropping(monkeypatch: pytest.MonkeyPatch, pixels: np.ndarray, *sizes: int) -> None:
    """Encrypting and decrypting under `Dropping` is what the description says, with kernels and without."""

    def words(subkey: bytes, stream: int) -> list[int]:
        return iter(Dropping(subkey).words(stream, 20000).tolist())

    monkeypatch.setattr("veilseg.ciphers.subblock.shuffle.Keystream", Dropping)
    monkeypatch.setattr(oracle, "words", words)
    expected = oracle.shuffle(pixels, SUBKEY, *sizes)
    for encrypted in both_ways(lambda: shuffle_pixels(pixels, SUBKEY, *sizes)):
        assert (encrypted == expected).all()
    for plain in both_ways(lambda: shuffle_pixels(expected, SUBKEY, *sizes, inverse=True)):
        assert (plain == pixels).all()


@pytest.mark.parametrize("every", [2, 7, 101, 1009])
@pytest.mark.parametrize("sizes", [(8, 4), (16, 8), (16, 16), (6, 3)])
def test_dropped_words(monkeypatch: pytest.MonkeyPatch, every: int, sizes: tuple[int, int]) -> None:
    """Rare in life (at s = 16 once in some ten rows of a large image), so forced here."""
    monkeypatch.setattr(Dropping, "every", every)
    check_dropping(monkeypatch, noise(2, 2 * sizes[0], 4 * sizes[0]), *sizes)


@pytest.mark.parametrize("bound", [6, 12])
def test_words_that_are_just_dropped_and_just_kept(monkeypatch: pytest.MonkeyPatch, bound: int) -> None:
    """Blocks of 2 x 2 take draws two by two below 6 and 12: words where the value changes, and one less."""
    first = [-(-value * 2**32 // bound) for value in range(bound)]
    lows = {word * bound % 2**32 for word in first}
    assert min(lows) < 2**32 % bound <= max(lows)  # some are dropped, some kept
    monkeypatch.setattr(Dropping, "every", 1)
    monkeypatch.setattr(Dropping, "edges", (*first, *[word - 1 for word in first[1:]]))
    check_dropping(monkeypatch, noise(3, 4, 64), 2, 2)


def outcomes(blocks: int) -> tuple[np.ndarray, np.ndarray]:
    """Permutations of 2 x 2 sub-blocks: (shuffle number 0..23 of every channel [n, 3], channel order 0..5 [n])."""
    pattern = (np.arange(4)[:, None] + 4 * np.arange(3)).astype(np.uint8).reshape(2, 2, 3)
    rows = 16
    pixels = np.tile(pattern, (rows, blocks // rows, 1))
    out = shuffle_pixels(pixels, SUBKEY, 2, 2)
    cut = out.reshape(rows, 2, -1, 2, 3).transpose(0, 2, 4, 1, 3).reshape(-1, 3, 4)
    order = cut[:, :, 0] // 4
    places = np.take_along_axis(cut, np.argsort(order, axis=1)[:, :, None], axis=1) % 4
    powers = 4 ** np.arange(4)
    numbers = np.unique(np.array([p for p in np.ndindex(4, 4, 4, 4) if len(set(p)) == 4]) @ powers)
    return np.searchsorted(numbers, places @ powers), np.unique(order @ 3 ** np.arange(3), return_inverse=True)[1]


def uniform(numbers: np.ndarray, count: int) -> bool:
    return bool(chisquare(np.bincount(numbers, minlength=count)).pvalue > 1e-3)


def test_uniform_over_all_permutations_and_channel_orders() -> None:
    """Every pair of the three shuffles, and each with the order, jointly; neighbouring sub-blocks and rows too."""
    places, order = outcomes(576 * 80)
    for c in range(3):
        assert uniform(places[:, c] * 6 + order, 144)
        assert uniform(places[:, c] * 24 + places[:, (c + 1) % 3], 576)
        assert uniform(places[:-1, c] * 24 + places[1:, c], 576)
    assert uniform(order[:-1] * 6 + order[1:], 36)
    rows = places[:, 0].reshape(16, -1)
    assert uniform((rows[:-1] * 24 + rows[1:]).reshape(-1), 576)


@pytest.mark.parametrize("inverse", [False, True])
def test_large_images_in_threads_give_the_same(monkeypatch: pytest.MonkeyPatch, inverse: bool) -> None:
    pixels = noise(3, 144, 80)
    monkeypatch.setattr(engine, "SMALL", 10**9)
    alone = shuffle_pixels(pixels, SUBKEY, 16, 4, inverse=inverse)
    monkeypatch.setattr(engine, "SMALL", 0)
    monkeypatch.setattr(engine, "threads", lambda: 3)
    assert (shuffle_pixels(pixels, SUBKEY, 16, 4, inverse=inverse) == alone).all()


def test_arrays_that_are_not_contiguous() -> None:
    turned = noise(4, 32, 32).transpose(1, 0, 2)
    assert (shuffle_pixels(turned, SUBKEY, 16, 4) == shuffle_pixels(turned.copy(), SUBKEY, 16, 4)).all()


def test_refusals() -> None:
    good = noise(0, 16, 16)
    for bad in (good[:, :15], good[:0], good[..., :2], good.astype(float), good[..., 0], [[1]]):
        with pytest.raises(InvalidImageError):
            shuffle_pixels(bad, SUBKEY, 16, 4)  # type: ignore[arg-type]
