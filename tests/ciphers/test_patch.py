"""patch-permutation and patch-rotation: one invertible matrix per key, restored to the bit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare, kstest

from tests.ciphers import oracle
from tests.ciphers.images import both_ways, noise
from veilseg.catalog import CATALOG, of_family
from veilseg.ciphers import cipher
from veilseg.ciphers.grid import cut_blocks, join_blocks
from veilseg.ciphers.patch.permutation import permute_pixels
from veilseg.ciphers.patch.rotation import rotate_pixels, rotation, rotation_scale, unrotate_pixels
from veilseg.errors import InvalidImageError, UsageError
from veilseg.keys import Key

NAMES = of_family("model key")
KEY = Key(bytes(range(32)))
keys = st.binary(min_size=32, max_size=32).map(Key)


def test_blocks_are_flattened_as_weights_of_a_convolution_are() -> None:
    """Channel, row, column."""
    pixels = noise(0, 8, 12)
    blocks = cut_blocks(pixels, 4)
    assert (blocks[1] == pixels[:4, 4:8].transpose(2, 0, 1).reshape(-1)).all()
    assert (join_blocks(blocks, pixels.shape, 4) == pixels).all()


def permutation(block: int, key: Key) -> np.ndarray:
    return cipher("patch-permutation", block).block_order(key)


@given(keys, st.sampled_from((1, 2, 4, 16)))
def test_permutation(key: Key, block: int) -> None:
    order = permutation(block, key)
    words = oracle.words(key.derive("patch-permutation", block.to_bytes(4, "big")), 0)
    assert order.tolist() == oracle.fisher_yates(words, 3 * block * block)
    pixels = noise(1, 2 * block, 3 * block)
    expected = join_blocks(cut_blocks(pixels, block)[:, order], pixels.shape, block)
    for encrypted in both_ways(lambda: permute_pixels(pixels, order, block)):
        assert (encrypted == expected).all()
    for plain in both_ways(lambda: permute_pixels(expected, order, block, inverse=True)):
        assert (plain == pixels).all()


def test_permutations_belong_to_key_and_block() -> None:
    assert (permutation(16, KEY) == permutation(16, Key(bytes(range(32))))).all()
    assert (permutation(16, KEY) != permutation(16, Key(bytes(32)))).mean() > 0.9
    assert permutation(2, KEY).tolist() != [i for i in permutation(4, KEY).tolist() if i < 12]


def test_permutations_of_many_keys_are_uniform() -> None:
    seen = [permutation(1, Key(number.to_bytes(32, "big"))) for number in range(1200)]
    numbers = np.array(seen) @ [9, 3, 1]
    _, counts = np.unique(numbers, return_counts=True)
    assert len(counts) == 6
    assert chisquare(counts).pvalue > 1e-3


@settings(max_examples=15)
@given(keys, st.sampled_from((1, 2, 4)), st.sampled_from((1, 2, 256)))
def test_rotation_restores_every_pixel(key: Key, block: int, values: int) -> None:
    matrix = rotation(key, block)
    assert np.abs(matrix @ matrix.T - np.eye(len(matrix))).max() < 1e-12
    pixels = noise(2, 2 * block, 3 * block, values) if values > 1 else np.full((2 * block, 3 * block, 3), 255, np.uint8)
    stored = rotate_pixels(pixels, matrix, block)
    assert stored.dtype == np.uint16
    assert (unrotate_pixels(stored, matrix, block) == pixels).all()


def test_a_step_of_difference_between_machines_is_no_matter() -> None:
    """Stored values may be one step off: the way back gives the same pixels."""
    made, image = cipher("patch-rotation", 16), noise(5, 32, 48)
    stored = made.encrypt(image, KEY).pixels.astype(int)
    off = np.random.default_rng(0).integers(-1, 2, stored.shape)
    moved = np.clip(stored + off, 0, 65535).astype(np.uint16)
    assert (made.decrypt_pixels(moved, KEY, None) == image).all()


@pytest.mark.parametrize("block", [16, 32])
def test_rotation_of_whole_patches(block: int) -> None:
    if block == 32:  # any orthogonal matrix will do, and the key's takes seconds here
        mixing = np.array([[1, 1, 1, 1], [1, -1, 1, -1], [1, 1, -1, -1], [1, -1, -1, 1]]) / 2
        matrix = np.kron(mixing, rotation(KEY, 16)).astype(np.float64)
    else:
        matrix = rotation(KEY, block)
    extremes = np.where(matrix[0] > 0, 255, 0).astype(np.uint8)  # the block that this rotation makes longest
    pixels = np.concatenate([noise(3, block, block), join_blocks(extremes[None], (block, block, 3), block)], axis=1)
    stored = rotate_pixels(pixels, matrix, block)
    assert stored.min() > 0
    assert stored.max() < 65535
    assert (unrotate_pixels(stored, matrix, block) == pixels).all()


def test_rotations_are_haar() -> None:
    """A column of a Haar matrix is uniform on the sphere; in three dimensions its coordinates are uniform on -1..1."""
    matrices = np.array([rotation(Key(number.to_bytes(32, "big")), 1) for number in range(400)])
    for row, column in np.ndindex(3, 3):
        assert kstest(matrices[:, row, column], "uniform", (-1, 2)).pvalue > 1e-4
    assert 120 < (np.linalg.det(matrices) > 0).sum() < 280


@pytest.mark.parametrize("name", NAMES)
def test_affine_says_how_to_read_stored_blocks(name: str) -> None:
    """And an encrypted embedding makes of stored blocks what the plain one makes of plain blocks."""
    made, pixels = cipher(name, 4), noise(4, 16, 32)
    transform = made.affine(KEY)
    stored = cut_blocks(made.encrypt(pixels, KEY).pixels, 4).astype(float)
    plain = (stored - transform.value_offset) * transform.value_scale @ transform.matrix + transform.plain_offset
    accuracy = 0.0 if name == "patch-permutation" else 4 / rotation_scale(4)
    assert np.abs(plain - cut_blocks(pixels, 4)).max() <= accuracy

    rng = np.random.default_rng(0)
    embedding, bias = rng.normal(size=(48, 5)), rng.normal(size=5)
    mixed, moved = transform.encrypt_embedding(embedding, bias)
    difference = stored @ mixed + moved - (cut_blocks(pixels, 4) @ embedding + bias)
    assert np.abs(difference).max() <= 1e-9 + 48 * accuracy * np.abs(embedding).max()
    back = transform.decrypt_embedding(mixed, moved)
    assert np.allclose(back[0], embedding, atol=1e-12)
    assert np.allclose(back[1], bias, atol=1e-9)


@pytest.mark.parametrize("name", sorted(set(CATALOG) - set(NAMES)))
def test_other_ciphers_have_no_matrix(name: str) -> None:
    with pytest.raises(UsageError, match="no matrix"):
        cipher(name).affine(KEY)


@pytest.mark.parametrize("name", CATALOG)
def test_orders_of_blocks(name: str) -> None:
    """Of the mechanism "permutation": what encryption does to the values of a block."""
    made = cipher(name, 4)
    if made.facts.mechanism != "permutation":
        with pytest.raises(UsageError, match="all alike"):
            made.block_order(KEY)
        return
    image = noise(6, 8, 12)
    stored = cut_blocks(made.encrypt(image, KEY).pixels, 4)
    assert (stored == cut_blocks(image, 4)[:, made.block_order(KEY)]).all()


def test_refusals() -> None:
    with pytest.raises(InvalidImageError):
        permute_pixels(noise(0, 15, 16), permutation(16, KEY), 16)
    with pytest.raises(InvalidImageError, match="16-bit"):
        unrotate_pixels(noise(0, 2, 2), rotation(KEY, 2), 2)
    with pytest.raises(ValueError, match="read-only"):
        rotation(KEY, 2)[0, 0] = 0
