"""What networks in training see, made on whole batches: the stored images, or keys drawn for each of them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.ciphers.images import noise
from veilseg.catalog import CATALOG, training_inputs
from veilseg.ciphers import canonical_cipher, cipher, cipher_of_input
from veilseg.errors import UsageError
from veilseg.keys import Key

KEY = Key(bytes(range(32)))
IMAGES = [noise(seed, 48, 96) for seed in range(3)]
BATCH = torch.from_numpy(np.stack(IMAGES)).permute(0, 3, 1, 2)


def pixels(batch: torch.Tensor) -> np.ndarray:
    """[N, 3, H, W] as the ciphers' arrays [N, H, W, 3]."""
    return batch.permute(0, 2, 3, 1).numpy()


@pytest.mark.parametrize(("given", "name"), training_inputs().items())
def test_transforms_are_what_is_stored(given: str, name: str) -> None:
    made = cipher_of_input(given)
    assert made is not None
    assert made.name == name
    key = KEY if made.key_use == "required" else None
    transform = made.input_transform(key)
    out = transform(BATCH, [1, 2, 3])
    assert torch.equal(out, transform(BATCH, [1, 2, 3]))
    if name != "subblock-shuffle":  # that one draws its keys
        stored = np.stack([made.encrypt(image, key).pixels for image in IMAGES])
        assert (pixels(out) == stored).all()


@given(sub_block=st.sampled_from([2, 4, 8, 16]), seed=st.integers(0, 2**31))
def test_shuffled_sub_blocks_keep_their_values(sub_block: int, seed: int) -> None:
    made = cipher("subblock-shuffle", sub_block=sub_block)
    out = made.input_transform(None)(BATCH, [seed, seed, seed + 1])
    canonical = canonical_cipher(made)
    for shuffled, image in zip(pixels(out), IMAGES, strict=True):
        assert (canonical.reduce(np.ascontiguousarray(shuffled)) == canonical.reduce(image)).all()


def test_keys_follow_from_the_seed_of_a_sample_alone() -> None:
    transform = cipher("subblock-shuffle").input_transform(None)
    same = BATCH[:1].expand(3, -1, -1, -1)
    first, second, third = transform(same, [7, 7, 8])
    assert torch.equal(first, second)
    assert not torch.equal(first, third)
    assert torch.equal(transform(same[:1], [8])[0], third)


def test_shuffles_are_equally_likely() -> None:
    """Every value of a sub-block at every place of every channel, and every order of the channels, as often as chance.

    24,576 sub-blocks of 2 x 2: chi-square below the value that one draw in a million exceeds.
    """
    cell = torch.arange(12, dtype=torch.uint8).reshape(3, 2, 2)
    images = cell.repeat(1, 64, 64)[None].expand(6, -1, -1, -1)
    out = cipher("subblock-shuffle", block=16, sub_block=2).input_transform(None)(images, range(6))
    cells = out.unfold(2, 2, 2).unfold(3, 2, 2).permute(0, 2, 3, 1, 4, 5).reshape(-1, 12).long()
    counts = torch.stack([torch.bincount(cells[:, place], minlength=12) for place in range(12)]).double()
    mean = len(cells) / 12
    assert ((counts - mean) ** 2 / mean).sum() < 220  # 11 x 11 degrees of freedom: one in 10**6 is above 205
    assert (cells.reshape(-1, 3, 4) // 4 == cells.reshape(-1, 3, 4)[..., :1] // 4).all()  # channels stay whole
    orders = torch.unique(cells.reshape(-1, 3, 4)[..., 0] // 4, dim=0, return_counts=True)[1].double()
    assert len(orders) == 6
    assert ((orders - len(cells) / 6) ** 2 / (len(cells) / 6)).sum() < 36  # 5 degrees of freedom
    inner = torch.unique(cells[:, :4] % 4, dim=0, return_counts=True)[1].double()
    assert len(inner) == 24
    assert ((inner - len(cells) / 24) ** 2 / (len(cells) / 24)).sum() < 72  # 23 degrees of freedom


def test_a_cipher_that_networks_are_not_trained_on() -> None:
    with pytest.raises(UsageError, match="not offered"):
        cipher("patch-rotation").input_transform(KEY)


def test_a_model_can_be_adapted_to_permuted_blocks() -> None:
    """No recipe names this input, but a model encrypted with the key reads it."""
    made = cipher("patch-permutation")
    wanted = np.stack([made.encrypt_pixels(image, KEY, None) for image in IMAGES])
    assert (pixels(made.input_transform(KEY)(BATCH, [0, 0, 0])) == wanted).all()


@pytest.mark.parametrize("name", [name for name, row in CATALOG.items() if row.family == "conventional"])
def test_keys_that_are_missing(name: str) -> None:
    with pytest.raises(UsageError, match="needs a key"):
        cipher(name).input_transform(None)


def test_names_of_inputs() -> None:
    assert cipher_of_input("plain") is None
    canonical = cipher_of_input("canonical", 8, 2)
    assert canonical is not None
    assert str(canonical.spec) == "subblock-sort, block 8, sub-block 2"
    permuted = cipher_of_input("shf", 8, 4)  # recipes have a sub-block for every input
    assert permuted is not None
    assert permuted.spec.sub_block is None
    for unknown in ("subblock-sort", "", "rot13"):
        with pytest.raises(UsageError, match="unknown input"):
            cipher_of_input(unknown)
