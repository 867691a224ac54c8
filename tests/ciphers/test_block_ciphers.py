"""patch-permutation and patch-rotation: one invertible matrix per key, restored to the bit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare, kstest

from tests.ciphers.images import noise
from veilseg.ciphers import affine
from veilseg.ciphers.grid import cut_blocks, join_blocks
from veilseg.ciphers.patch import permutation, rotation
from veilseg.ciphers.patch.permutation import permute_pixels
from veilseg.ciphers.patch.rotation import rotate_pixels, rotation_scale, unrotate_pixels
from veilseg.errors import InvalidImageError, UsageError
from veilseg.keys import Key

keys = st.binary(min_size=32, max_size=32).map(Key)
KEY = Key(bytes(range(32)))


def test_blocks_are_flattened_as_in_the_paper() -> None:
    """Channel, row, column: as the weight of a convolution is."""
    pixels = noise(0, 8, 12)
    blocks = cut_blocks(pixels, 4)
    assert (blocks[1] == pixels[:4, 4:8].transpose(2, 0, 1).reshape(-1)).all()
    assert (join_blocks(blocks, pixels.shape, 4) == pixels).all()


@given(keys, st.sampled_from((1, 2, 4, 16)))
def test_permutation(key: Key, block: int) -> None:
    order = permutation(key, block)
    assert sorted(order.tolist()) == list(range(3 * block * block))
    pixels = noise(1, 2 * block, 3 * block)
    encrypted = permute_pixels(pixels, order, block)
    assert (cut_blocks(encrypted, block)[3] == cut_blocks(pixels, block)[3][order]).all()
    assert (permute_pixels(encrypted, order, block, inverse=True) == pixels).all()


def test_permutations_belong_to_key_and_block() -> None:
    assert (permutation(KEY, 16) == permutation(Key(bytes(range(32))), 16)).all()
    assert (permutation(KEY, 16) != permutation(Key(bytes(32)), 16)).mean() > 0.9
    assert permutation(KEY, 2).tolist() != [i for i in permutation(KEY, 4).tolist() if i < 12]


def test_permutations_of_many_keys_are_uniform() -> None:
    seen = [permutation(Key(number.to_bytes(32, "big")), 1) for number in range(1200)]
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


@pytest.mark.parametrize("block", [16, 32])
def test_rotation_of_whole_patches(block: int) -> None:
    if block == 32:  # any orthogonal matrix will do, and the key's takes seconds here
        small = rotation(KEY, 16)
        matrix = np.kron(np.array([[1, 1, 1, 1], [1, -1, 1, -1], [1, 1, -1, -1], [1, -1, -1, 1]]) / 2, small)
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


@pytest.mark.parametrize("name", ["patch-permutation", "patch-rotation"])
def test_affine_says_how_to_read_stored_blocks(name: str) -> None:
    pixels = noise(4, 16, 32)
    transform = affine(name, KEY, 16)
    if name == "patch-permutation":
        stored = permute_pixels(pixels, permutation(KEY, 16), 16)
        accuracy = 0.0
    else:
        stored = rotate_pixels(pixels, rotation(KEY, 16), 16)
        accuracy = 4 / rotation_scale(16)
    values = (cut_blocks(stored, 16) - transform.value_offset) * transform.value_scale
    plain = values @ transform.matrix + transform.plain_offset
    assert np.abs(plain - cut_blocks(pixels, 16)).max() <= accuracy


def test_refusals() -> None:
    with pytest.raises(UsageError, match="at most 32"):
        rotation(KEY, 64)
    with pytest.raises(UsageError, match="no matrix"):
        affine("subblock-sort", KEY, 16)
    with pytest.raises(InvalidImageError):
        permute_pixels(noise(0, 15, 16), permutation(KEY, 16), 16)
    with pytest.raises(InvalidImageError, match="16-bit"):
        unrotate_pixels(noise(0, 2, 2), rotation(KEY, 2), 2)
    with pytest.raises(ValueError, match="read-only"):
        rotation(KEY, 2)[0, 0] = 0
