"""The general matrix of [Kiya 2022] against an independent computation, in and out again."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from tests.models import families
from tests.models.encrypted import KEYS
from veilseg.ciphers.patch.matrix import EncryptionMatrix
from veilseg.errors import InvalidKeyError, InvalidModelError, UsageError
from veilseg.models import decrypt_with_matrix, encrypt_model, encrypt_with_matrix
from veilseg.models.encryption.trial import random_photo

DRAWN = EncryptionMatrix.drawn(KEYS[0], 8)


def network() -> Any:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 32, 8, stride=8), nn.Conv2d(32, 5, 1))


def batch(image: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(image.astype(np.float32)).permute(2, 0, 1)[None]


def by_hand(photo: np.ndarray, matrix: np.ndarray, side: int) -> np.ndarray:
    """x_hat = (x - 127.5) E_enc^-1, one block after the other, by solving for every one."""
    out = np.empty(photo.shape)
    for top in range(0, photo.shape[0], side):
        for left in range(0, photo.shape[1], side):
            block = photo[top : top + side, left : left + side].astype(np.float64).transpose(2, 0, 1)
            solved = np.linalg.solve(matrix.T, block.reshape(-1) - 127.5)
            out[top : top + side, left : left + side] = solved.reshape(3, side, side).transpose(1, 2, 0)
    return out


def test_images_against_an_independent_computation() -> None:
    photo = random_photo(24, 32)
    encrypted = DRAWN.encrypt(photo)
    assert encrypted.dtype == np.float32
    assert np.allclose(encrypted, by_hand(photo, DRAWN.matrix, 8), rtol=1e-5, atol=1e-5 * np.abs(encrypted).max())
    assert np.array_equal(DRAWN.decrypt(encrypted), photo)
    stored = DRAWN.store(encrypted)
    assert np.abs(DRAWN.load(stored) - encrypted).max() <= 0.51 * DRAWN.step
    assert 0 < stored.min() <= stored.max() < 65535, "nothing is cut off"


def test_drawn_matrices_are_gaussian_and_of_their_key() -> None:
    matrix = DRAWN.matrix
    assert abs(matrix.mean()) < 0.02
    assert abs(matrix.std() - 1) < 0.02
    assert np.abs(matrix @ matrix.T / 192 - np.eye(192)).max() > 0.1, "not orthogonal"
    assert np.array_equal(EncryptionMatrix.drawn(KEYS[0], 8).matrix, matrix)
    assert not np.array_equal(EncryptionMatrix.drawn(KEYS[1], 8).matrix, matrix)
    assert DRAWN.condition == pytest.approx(np.linalg.cond(matrix))


@pytest.mark.parametrize(("bits", "limit"), [(32, 1e-3), (16, 0.1)])
@torch.no_grad()
def test_models_answer_as_before_and_come_back(bits: int, limit: float) -> None:
    plain, photo = network(), random_photo(40, 48)
    before = plain[0].weight.clone()
    encrypted: Any = encrypt_with_matrix(plain, DRAWN, bits=bits)
    image = by_hand(photo, DRAWN.matrix, 8)
    given = image if bits == 32 else np.rint(image / DRAWN.step) + 32768
    wanted = plain(batch(photo))
    assert (encrypted(batch(given)) - wanted).abs().max() < limit * wanted.std()
    other = by_hand(photo, EncryptionMatrix.drawn(KEYS[1], 8).matrix, 8)
    assert (encrypted(batch(other)) - wanted).abs().mean() > 0.5 * wanted.std()
    assert torch.equal(plain[0].weight, before)
    back: Any = decrypt_with_matrix(encrypted, DRAWN, bits=bits)
    assert torch.allclose(back[0].weight, before, rtol=0, atol=1e-4 * float(before.std()))
    assert torch.allclose(back(batch(photo)), wanted, rtol=0, atol=1e-3 * float(wanted.std()))
    with pytest.raises(InvalidKeyError, match=DRAWN.fingerprint):
        decrypt_with_matrix(encrypted, EncryptionMatrix.drawn(KEYS[1], 8), bits=bits)
    with pytest.raises(InvalidModelError, match="encrypted already"):
        encrypt_model(encrypted, KEYS[0])
    with pytest.raises(InvalidModelError, match="not encrypted with a matrix"):
        decrypt_with_matrix(back, DRAWN)


def test_permutations_and_rotations_are_special_cases() -> None:
    permutation = EncryptionMatrix(np.eye(192)[np.random.default_rng(0).permutation(192)])
    photo = random_photo(16, 16)
    assert permutation.condition == pytest.approx(1)
    values = np.sort(permutation.encrypt(photo).ravel() + 127.5)
    assert np.array_equal(values, np.sort(photo.ravel())), "whole values stay whole"


@pytest.mark.parametrize(
    "matrix",
    [
        np.eye(191),
        np.eye(50),
        np.ones((192, 192)),
        np.zeros((3, 12)),
        np.diag([1.0] * 191 + [1e-9]),
        np.eye(3) * np.nan,
    ],
)
def test_matrices_that_are_none_are_refused(matrix: np.ndarray) -> None:
    with pytest.raises(UsageError):
        EncryptionMatrix(matrix)


def test_a_network_of_transformers_with_statistics() -> None:
    mean: Any = (0.5, 0.4, 0.3)
    matrix = EncryptionMatrix.drawn(KEYS[0], 4)
    model = families.wake(families.upernet("convnext"))
    encrypt_with_matrix(model, matrix, mean=mean, std=mean)  # compares on a random image by itself
    with pytest.raises(InvalidModelError, match="4"):
        encrypt_with_matrix(model, DRAWN, mean=mean, std=mean)
