"""The canonical and the reduced forms: all implementations agree; they forget what keys change, and are idempotent."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.ciphers import oracle
from tests.ciphers.images import Case, both_ways, cases, noise
from veilseg.catalog import CATALOG
from veilseg.ciphers import canonical_cipher, cipher
from veilseg.ciphers.grid import cut_sub_blocks
from veilseg.ciphers.kernels import engine
from veilseg.ciphers.subblock.mosaic import mosaic
from veilseg.ciphers.subblock.quartiles import quartiles
from veilseg.ciphers.subblock.shuffle import shuffle_pixels
from veilseg.ciphers.subblock.sort import canonicalize
from veilseg.errors import InvalidImageError
from veilseg.keys import Key

REDUCING = tuple(oracle.REDUCED)
names = st.sampled_from(REDUCING)
FUNCTIONS = (canonicalize, quartiles, mosaic)


def planes(pixels: np.ndarray) -> torch.Tensor:
    """[1, 3, H, W]"""
    return torch.from_numpy(pixels).permute(2, 0, 1)[None]


def test_these_are_all_that_reduce() -> None:
    assert {name for name in CATALOG if cipher(name).reduces} == set(REDUCING)


@given(names, cases())
def test_kernel_reference_tensors_and_description_agree(name: str, case: Case) -> None:
    made, original = cipher(name, case.block, case.sub_block), case.pixels.copy()
    expected = oracle.REDUCED[name](case.pixels, case.sub_block)
    for result in both_ways(lambda: made.reduce(case.pixels)):
        assert result.dtype == np.uint8
        assert (result == expected).all()
    tensor = made.reduce_tensor(planes(case.pixels))
    assert tensor.dtype == torch.uint8
    assert torch.equal(tensor, planes(expected))
    assert (case.pixels == original).all()


@given(names, cases())
def test_idempotent_and_what_is_sent(name: str, case: Case) -> None:
    made = cipher(name, case.block, case.sub_block)
    sent = made.encrypt(case.pixels).pixels
    assert (made.reduce(case.pixels) == sent).all()
    assert (made.reduce(sent) == sent).all()


@given(names, cases(), st.binary(min_size=32, max_size=32))
def test_forgets_the_keys_of_the_shuffle(name: str, case: Case, subkey: bytes) -> None:
    """C(Enc_k(x)) = C(x) for every key and tie; quartiles are a function of C. The mosaic forgets no channel order."""
    made = cipher(name, case.block, case.sub_block)
    before, after = case.pixels, shuffle_pixels(case.pixels, subkey, case.block, case.sub_block)
    first, second = made.reduce(before), made.reduce(after)
    if name == "mosaic":
        first, second = np.sort(first, axis=2), np.sort(second, axis=2)
    assert (first == second).all()


@pytest.mark.parametrize("sub_block", [4, 8, 16])
def test_the_canonical_form_forgets_a_hundred_keys(sub_block: int) -> None:
    image, key = noise(1, 31, 47, 4), Key.generate()
    made = cipher("subblock-shuffle", 16, sub_block)
    canonical = canonical_cipher(made)
    expected = canonical.encrypt(image).pixels
    results = [made.encrypt(image, key if n % 2 else None).pixels for n in range(100)]
    assert all((canonical.reduce(result) == expected).all() for result in results)
    assert len({result.tobytes() for result in results}) == 100


@pytest.mark.parametrize("name", CATALOG)
def test_canonical_ciphers(name: str) -> None:
    made = cipher(name)
    canonical = canonical_cipher(made)
    assert (canonical is made) == (name != "subblock-shuffle")
    assert (canonical.spec.block, canonical.spec.sub_block) == (made.spec.block, made.spec.sub_block)
    assert canonical.facts.canonical is None
    assert name in canonical.facts.accepts


@given(cases())
def test_values_stay_in_their_sub_blocks(case: Case) -> None:
    result = canonicalize(case.pixels, case.sub_block)
    before, after = (
        np.sort(cut_sub_blocks(image, case.sub_block).reshape(-1, 3 * case.sub_block**2), axis=1)
        for image in (case.pixels, result)
    )
    assert (before == after).all()


@pytest.mark.parametrize("name", REDUCING)
@pytest.mark.parametrize("s", [2, 4, 8, 16])
def test_wide_images_and_threads(name: str, s: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Several batches of lanes, several bands, three threads."""
    pixels = noise(5, 64, 16 * 45)
    expected = oracle.REDUCED[name](pixels, s)
    assert (cipher(name, 16, s).reduce(pixels) == expected).all()
    monkeypatch.setattr(engine, "SMALL", 0)
    monkeypatch.setattr(engine, "threads", lambda: 3)
    assert (cipher(name, 16, s).reduce(pixels) == expected).all()


@pytest.mark.parametrize("name", REDUCING)
def test_batches_of_tensors(name: str) -> None:
    made, images = cipher(name, 8, 4), [noise(seed, 16, 24, 3) for seed in range(3)]
    out = made.reduce_tensor(torch.cat([planes(image) for image in images]))
    assert torch.equal(out, torch.cat([planes(made.reduce(image)) for image in images]))


def test_a_pixel_by_hand() -> None:
    """Sums 9, 6, 6: the last two tie, and are ordered by their sorted values (0, 6) < (3, 3)."""
    pixels = np.array([[[5, 3, 6], [4, 3, 0]], [[0, 0, 0], [0, 0, 0]]], np.uint8)
    expected = [[[0, 0, 0], [0, 0, 0]], [[0, 3, 4], [6, 3, 5]]]
    assert canonicalize(pixels, 2).tolist() == expected
    assert quartiles(pixels, 2).tolist() == expected  # a quarter of four values is one value
    assert mosaic(pixels, 2).tolist() == [[[2, 2, 2]] * 2] * 2  # 9/4 and 6/4, halves up


@pytest.mark.parametrize("name", REDUCING)
@pytest.mark.parametrize("value", [0, 255])
def test_extremes(name: str, value: int) -> None:
    pixels = np.full((64, 64, 3), value, np.uint8)
    for result in both_ways(lambda: cipher(name, 64, 64).reduce(pixels)):
        assert (result == value).all()


@pytest.mark.parametrize("reduce", FUNCTIONS)
def test_refusals(reduce: object) -> None:
    for bad in (noise(0, 15, 16), noise(0, 16, 0), noise(0, 16, 16).astype(np.int32), [[1]], noise(0, 16, 16)[..., 0]):
        with pytest.raises(InvalidImageError):
            reduce(bad, 4)  # type: ignore[operator]
