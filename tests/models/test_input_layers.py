"""The first layer of a network is the cipher's canonical or reduced form, to the bit."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from veilseg import catalog
from veilseg.ciphers import cipher
from veilseg.inputspec import InputSpec
from veilseg.models.input_layers import InputLayer, input_layer
from veilseg.spec import CipherSpec

KEYLESS = [name for name, row in catalog.CATALOG.items() if row.key != "required"]
REDUCING = [name for name in KEYLESS if cipher(name).reduces]


def to_torch(pixels: np.ndarray) -> torch.Tensor:
    """[N, H, W, 3] to [N, 3, H, W]."""
    return torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous()


@pytest.mark.parametrize("name", REDUCING)
@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    values=st.sampled_from([2, 3, 256]),
    blocks=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    sizes=st.sampled_from([(16, 8), (16, 4), (16, 16), (8, 2), (9, 3)]),
)
def test_the_layer_is_the_ciphers_form(
    name: str, seed: int, values: int, blocks: tuple[int, int], sizes: tuple[int, int]
) -> None:
    # Few distinct values provoke ties between channels, the difficult case.
    shape = [count * sizes[0] for count in blocks]
    pixels = np.random.default_rng(seed).integers(0, values, (2, *shape, 3), dtype=np.uint8)
    made = cipher(name, *sizes)
    layer = InputLayer(made)
    got = layer(to_torch(pixels))
    assert torch.equal(got, to_torch(np.stack([made.reduce(image) for image in pixels])))
    assert torch.equal(layer(got), got)


@pytest.mark.parametrize("name", REDUCING)
def test_channels_with_the_same_values_in_different_places(name: str) -> None:
    rng = np.random.default_rng(1)
    pixels = np.empty((40, 16, 16, 3), np.uint8)
    for image in pixels:
        values = rng.integers(0, 4, 16, dtype=np.uint8)
        for channel in range(3):
            image[..., channel] = np.tile(rng.permutation(values).reshape(4, 4), (4, 4))
    made = cipher(name, 16, 4)
    assert torch.equal(InputLayer(made)(to_torch(pixels)), to_torch(np.stack([made.reduce(one) for one in pixels])))


@pytest.mark.parametrize("name", REDUCING)
def test_the_layer_can_be_switched_off(name: str) -> None:
    pixels = torch.randint(0, 256, (1, 3, 24, 24), dtype=torch.uint8)
    layer = InputLayer(cipher(name))
    assert not torch.equal(layer(pixels), pixels)
    layer.enabled = False
    assert torch.equal(layer(pixels), pixels)


def test_the_layer_of_an_input() -> None:
    for name in KEYLESS:
        layer = input_layer(InputSpec(CipherSpec(name, 16, 4)))
        if name in REDUCING:
            assert layer is not None
            assert layer.cipher.spec == CipherSpec(name, 16, 4)
        else:
            assert layer is None
    assert input_layer(InputSpec()) is None
