"""What networks in training see: the stored image, or its reduced form; sent to other processes without the key."""

from __future__ import annotations

import pickle

import pytest

from tests.ciphers.images import noise
from veilseg.catalog import CATALOG, training_inputs
from veilseg.ciphers import canonical_cipher, cipher, cipher_of_input
from veilseg.errors import UsageError
from veilseg.keys import Key

KEY = Key(bytes(range(32)))
IMAGE = noise(0, 32, 48)


@pytest.mark.parametrize(("given", "name"), training_inputs().items())
def test_transforms_are_what_is_stored_and_travel_without_the_key(given: str, name: str) -> None:
    made = cipher_of_input(given)
    assert made is not None
    assert made.name == name
    key = KEY if made.key_use == "required" else None
    transform = made.input_transform(key)
    travelled = pickle.dumps(transform)
    for secret in (bytes(range(32)), str(KEY)[14:40].encode(), KEY.derive(name)):
        assert secret not in travelled
    out = pickle.loads(travelled)(IMAGE, "train/0001")
    assert (out == transform(IMAGE, "train/0001")).all()
    if name != "subblock-shuffle":  # that one draws its keys
        stored = made.encrypt(IMAGE, key).pixels
        assert out.dtype == stored.dtype
        assert (out == stored).all()


def test_shuffled_samples_have_keys_of_their_own() -> None:
    """A run can be repeated: the keys follow from the sample's identity."""
    made = cipher("subblock-shuffle")
    transform, canonical = made.input_transform(None), canonical_cipher(made)
    first, second = transform(IMAGE, "a"), transform(IMAGE, "b")
    assert (first != second).any()
    assert (first == made.input_transform(None)(IMAGE, "a")).all()
    for out in (first, second):
        assert (canonical.reduce(out) == canonical.reduce(IMAGE)).all()


def test_a_cipher_that_networks_are_not_trained_on() -> None:
    with pytest.raises(UsageError, match="not offered"):
        cipher("patch-rotation").input_transform(KEY)


def test_a_model_can_be_adapted_to_permuted_blocks() -> None:
    """No recipe names this input, but a model encrypted with the key reads it."""
    made = cipher("patch-permutation")
    assert (made.input_transform(KEY)(IMAGE, "a") == made.encrypt_pixels(IMAGE, KEY, None)).all()


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
