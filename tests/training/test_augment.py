"""Augmentation keeps an image and its label together, and the losses mean what they say."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from veilseg.training.augment import augment
from veilseg.training.losses import class_weights, segmentation_loss
from veilseg.training.recipe import AugmentSection


@given(
    seed=st.integers(0, 2**31),
    height=st.integers(1, 80),
    width=st.integers(1, 80),
    scale=st.tuples(st.floats(0.2, 1), st.floats(1, 4)),
)
def test_any_image_gives_a_crop_of_the_wanted_size(seed: int, height: int, width: int, scale: tuple) -> None:
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 256, (height, width, 3), np.uint8)
    label = rng.integers(0, 11, (height, width), np.uint8)
    crop, ids = augment(image, label, AugmentSection(crop=(32, 48), scale=scale), rng)
    assert crop.shape == (32, 48, 3)
    assert crop.dtype == np.uint8
    assert ids.shape == (32, 48)
    assert set(np.unique(ids)) <= {*np.unique(label), 255}


def test_image_and_label_move_together() -> None:
    label = np.kron(np.arange(16, dtype=np.uint8).reshape(4, 4), np.ones((32, 32), np.uint8))
    image = np.repeat((label * 10)[..., None], 3, axis=2)
    part = AugmentSection(crop=(64, 64), photometric=0.0)
    flips = 0
    for seed in range(20):
        crop, ids = augment(image, label, part, np.random.default_rng(seed))
        known = ids != 255
        # Bilinear borders differ; the inside of every square must agree.
        assert np.mean(np.abs(crop[known][:, 0] / 10 - ids[known]) < 0.5) > 0.85
        columns = ids[32][ids[32] != 255].astype(int)
        flips += columns[0] > columns[-1]
    assert 0 < flips < 20


def test_the_same_generator_state_gives_the_same_crop() -> None:
    image = np.random.default_rng(1).integers(0, 256, (50, 70, 3), np.uint8)
    label = image[..., 0] % 11
    one, two = (augment(image, label, AugmentSection(crop=(32, 32)), np.random.default_rng(5)) for _ in range(2))
    assert np.array_equal(one[0], two[0])
    assert np.array_equal(one[1], two[1])


def test_a_batch_without_labels_teaches_nothing() -> None:
    logits = torch.randn(2, 3, 4, 4, requires_grad=True)
    loss = segmentation_loss(logits, torch.full((2, 4, 4), 255), torch.ones(3), 0.5)
    loss.backward()
    assert loss == 0
    assert logits.grad is not None
    assert not logits.grad.any()


def test_loss_of_a_perfect_and_of_a_wrong_map() -> None:
    labels = torch.randint(0, 3, (2, 8, 8))
    perfect = 50.0 * torch.nn.functional.one_hot(labels, 3).permute(0, 3, 1, 2).float()
    assert segmentation_loss(perfect, labels, torch.ones(3), 0.5) < 1e-6
    assert segmentation_loss(perfect.roll(1, 1), labels, torch.ones(3), 0.5) > 10


def test_ignored_pixels_do_not_count() -> None:
    labels = torch.randint(0, 3, (1, 8, 8))
    logits = torch.randn(1, 3, 8, 8)
    ignored = labels.clone()
    ignored[:, 4:] = 255
    changed = logits.clone()
    changed[:, :, 4:] += torch.randn(1, 3, 4, 8)
    wanted = segmentation_loss(logits[:, :, :4], labels[:, :4], torch.ones(3), 0.5)
    torch.testing.assert_close(segmentation_loss(changed, ignored, torch.ones(3), 0.5), wanted)


def test_a_batch_without_any_label_gives_no_gradient() -> None:
    logits = torch.randn(1, 3, 4, 4, requires_grad=True)
    segmentation_loss(logits, torch.full((1, 4, 4), 255), torch.ones(3), 0.5).backward()
    assert logits.grad is not None
    assert torch.equal(logits.grad, torch.zeros_like(logits))


def test_rare_classes_weigh_more_and_the_mean_is_one() -> None:
    counts = torch.tensor([1000, 10, 1])
    weights = class_weights(counts, 0.5)
    assert weights[0] < weights[1] < weights[2]
    assert float((weights * counts / counts.sum()).sum()) == pytest.approx(1, abs=1e-6)
