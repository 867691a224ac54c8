"""The canonical form and the mosaic in torch equal those of the ciphers, to the bit."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from veilseg.modelspec import InputSpec

from veilseg import ciphers
from veilseg.models import CanonicalInput, MosaicInput, QuartilesInput
from veilseg.models.input_layers import input_layer

OPTIONS = [(channels, shuffle) for channels in ("sub-block", "block", "none") for shuffle in ("channel", "shared")]


def to_torch(pixels: np.ndarray) -> torch.Tensor:
    """[N, H, W, 3] to [N, 3, H, W]."""
    return torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous()


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    values=st.sampled_from([2, 3, 256]),
    shape=st.sampled_from([(16, 16), (16, 48), (32, 16)]),
    sizes=st.sampled_from([(16, 8), (16, 4), (16, 16), (8, 2), (4, 1)]),
    options=st.sampled_from(OPTIONS),
)
def test_canonical_is_that_of_the_ciphers(seed, values, shape, sizes, options):  # type: ignore[no-untyped-def]
    # Few distinct values provoke ties between channels, the difficult case.
    pixels = np.random.default_rng(seed).integers(0, values, (2, *shape, 3), dtype=np.uint8)
    layer = CanonicalInput(*sizes, *options)
    wanted = np.stack([ciphers.canonicalize(image, *sizes, *options) for image in pixels])
    got = layer(to_torch(pixels))
    assert torch.equal(got, to_torch(wanted))
    assert torch.equal(layer(got), got)


@pytest.mark.parametrize("options", OPTIONS)
def test_complete_ties(options):  # type: ignore[no-untyped-def]
    """Channels with the same values in different places, in every order: the worst case of the shared shuffle."""
    rng = np.random.default_rng(1)
    pixels = np.empty((40, 16, 16, 3), np.uint8)
    for image in pixels:
        values = rng.integers(0, 4, (4, 4), dtype=np.uint8)
        for channel in range(3):
            image[..., channel] = np.tile(rng.permutation(values.reshape(-1)).reshape(4, 4), (4, 4))
    wanted = np.stack([ciphers.canonicalize(image, 16, 4, *options) for image in pixels])
    assert torch.equal(CanonicalInput(16, 4, *options)(to_torch(pixels)), to_torch(wanted))


@pytest.mark.parametrize("sub_block", [1, 4, 8, 16])
def test_mosaic_is_that_of_the_ciphers(sub_block):  # type: ignore[no-untyped-def]
    pixels = np.random.default_rng(2).integers(0, 256, (3, 32, 48, 3), dtype=np.uint8)
    pixels[0] //= 128
    wanted = np.stack([ciphers.mosaic(image, sub_block) for image in pixels])
    assert torch.equal(MosaicInput(sub_block)(to_torch(pixels)), to_torch(wanted))


@pytest.mark.parametrize("sub_block", [1, 3, 4, 8, 16])
def test_quartiles_are_those_of_the_ciphers(sub_block):  # type: ignore[no-untyped-def]
    pixels = np.random.default_rng(2).integers(0, 256, (3, 48, 96, 3), dtype=np.uint8)
    pixels[0] //= 128
    wanted = np.stack([ciphers.quartiles(image, sub_block) for image in pixels])
    assert torch.equal(QuartilesInput(sub_block)(to_torch(pixels)), to_torch(wanted))


def test_can_be_skipped():  # type: ignore[no-untyped-def]
    pixels = torch.randint(0, 256, (1, 3, 16, 16), dtype=torch.uint8)
    for layer in (CanonicalInput(16, 8), QuartilesInput(8), MosaicInput(8)):
        assert not torch.equal(layer(pixels), pixels)
        layer.enabled = False
        assert torch.equal(layer(pixels), pixels)


def test_layer_of_a_spec():  # type: ignore[no-untyped-def]
    layer = input_layer(InputSpec("subblock-sort", sub_block=4, channels="none", shuffle="shared"))
    assert isinstance(layer, CanonicalInput)
    assert (layer.block, layer.sub_block, layer.channels, layer.shuffle) == (16, 4, "none", "shared")
    assert isinstance(input_layer(InputSpec("mosaic", sub_block=4)), MosaicInput)
    assert isinstance(input_layer(InputSpec("subblock-quartiles", sub_block=4)), QuartilesInput)
    assert input_layer(InputSpec()) is None
    assert input_layer(InputSpec("subblock-shuffle", sub_block=4)) is None
