"""ConvSeg: any size on the patch grid, raw pixels, and a stem that can be widened without changing the function."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.fft
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from veilseg.errors import UsageError
from veilseg.models.networks.convseg import ConvSeg

SMALL: dict[str, Any] = {"widths": (8, 8, 8, 8), "depths": (1, 1, 1, 1), "decoder_width": 8}


def network(patch: int, seed: int = 0) -> ConvSeg:
    """A network in evaluation mode whose normalization layers are not the identity."""
    torch.manual_seed(seed)
    net = ConvSeg(5, patch, **SMALL).train()
    with torch.no_grad():
        for _ in range(3):
            net(255 * torch.rand(4, 3, 64, 64))
    return net.eval()


@settings(deadline=None, max_examples=15)
@given(patch=st.sampled_from([4, 8, 16]), rows=st.integers(1, 7), columns=st.integers(1, 7), batch=st.integers(1, 2))
def test_logits_have_the_size_of_the_image(patch: int, rows: int, columns: int, batch: int) -> None:
    images = 255 * torch.rand(batch, 3, 16 * rows, 16 * columns)
    with torch.no_grad():
        assert network(patch)(images).shape == (batch, 5, 16 * rows, 16 * columns)


def test_training_scores_are_the_logits_before_their_last_interpolation() -> None:
    net = network(4)
    images = 255 * torch.rand(1, 3, 64, 96)
    with torch.no_grad():
        scores, auxiliary = net.forward_train(images)
        assert auxiliary == []
        assert scores.shape == (1, 5, 32, 48)
        resized = torch.nn.functional.interpolate(scores, size=(64, 96), mode="bilinear", align_corners=False)
        assert torch.equal(resized, net(images))


@pytest.mark.parametrize("patch", [0, 2, 6, -4])
def test_a_patch_that_is_no_multiple_of_the_grid_is_refused(patch: int) -> None:
    with pytest.raises(UsageError, match="no patch of"):
        ConvSeg(5, patch, **SMALL)


@pytest.mark.parametrize("patch", [4, 8])
def test_the_first_channels_start_as_cosines_over_the_values_of_each_colour(patch: int) -> None:
    values = 255 * torch.rand(3, patch, patch)
    with torch.no_grad():
        answer = (ConvSeg(5, patch).stem.weight[:6] * values).sum((1, 2, 3))
    flat = values.reshape(3, -1).numpy()
    expected = scipy.fft.dct(flat, norm="ortho")[:, :2].T.ravel() * np.repeat([1, 0.5**0.5], 3)
    np.testing.assert_allclose(answer, expected, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("scale", [1 / 255, 1.0, 40.0])
def test_training_does_not_depend_on_the_scale_or_offset_of_pixels(scale: float) -> None:
    """What makes statistics of the pixels unnecessary: normalization follows the linear stem."""
    torch.manual_seed(0)
    net = ConvSeg(5, 4, **SMALL).train()
    images = 255 * torch.rand(4, 3, 64, 64)
    with torch.no_grad():
        expected = net(images)
        net.stem.weight /= scale
        moved = net((images - 100) * scale)
    torch.testing.assert_close(moved, expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("block", [8, 16, 32])
def test_a_widened_stem_computes_the_same(block: int) -> None:
    net = network(4)
    images = 255 * torch.rand(2, 3, 64, 96)
    with torch.no_grad():
        before = net(images)
        net.widen_patch(block)
        after = net(images)
    assert net.stem.kernel_size == net.stem.stride == (block, block)
    assert net.stem.weight.shape[1:] == (3, block, block)
    torch.testing.assert_close(after, before, rtol=1e-4, atol=1e-4)


def test_a_stem_is_widened_once_and_to_a_multiple() -> None:
    net = network(4)
    with pytest.raises(UsageError, match="cannot be widened"):
        net.widen_patch(10)
    net.widen_patch(8)
    with pytest.raises(UsageError, match="cannot be widened"):
        net.widen_patch(16)
