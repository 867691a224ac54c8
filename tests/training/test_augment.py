"""Augmentation keeps an image and its label together, and the losses mean what they say."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from veilseg.training.augment import Changes, cut, cut_all, cut_answers, draw_changes, relight
from veilseg.training.losses import class_weights, segmentation_loss
from veilseg.training.recipe import AugmentSection


def augment(image: np.ndarray, label: np.ndarray, section: AugmentSection, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """One augmented sample as arrays [h, w, 3] and [h, w]."""
    changes = draw_changes(label.shape, section, np.random.default_rng(seed), seed)
    pixels, ids = cut(torch.tensor(image).permute(2, 0, 1), torch.tensor(label), changes, section.crop)
    return relight(pixels[None], [changes])[0].permute(1, 2, 0).numpy(), ids.numpy()


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
    crop, ids = augment(image, label, AugmentSection(crop=(32, 48), scale=scale), seed)
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
        crop, ids = augment(image, label, part, seed)
        known = ids != 255
        # Bilinear borders differ; the inside of every square must agree.
        assert np.mean(np.abs(crop[known][:, 0] / 10 - ids[known]) < 0.5) > 0.85
        columns = ids[32][ids[32] != 255].astype(int)
        flips += columns[0] > columns[-1]
    assert 0 < flips < 20


def test_a_box_is_resized_as_pillow_does() -> None:
    """Reduced and enlarged, inside of the image and beyond its border: Pillow's antialiased bilinear, to one level."""
    rng = np.random.default_rng(1)
    image, label = rng.integers(0, 256, (50, 70, 3), np.uint8), rng.integers(0, 11, (50, 70), np.uint8)
    for top, left, height, width in ((3, 5, 40, 60), (10, 20, 15, 12), (-10, 8, 66, 50)):
        pixels, ids = cut(
            torch.tensor(image).permute(2, 0, 1), torch.tensor(label), Changes((top, left, height, width)), (32, 32)
        )
        wide = np.pad(image, ((20, 20), (20, 20), (0, 0)), mode="edge")
        box = Image.fromarray(wide).crop((left + 20, top + 20, left + 20 + width, top + 20 + height))
        wanted = np.asarray(box.resize((32, 32), Image.Resampling.BILINEAR)).astype(int)
        assert np.abs(pixels.permute(1, 2, 0).numpy().astype(int) - wanted).max() <= 1
        rows, columns = (
            np.floor(start + (np.arange(32) + 0.5) * side / 32).astype(int)
            for start, side in ((top, height), (left, width))
        )
        padded = np.pad(label, 20, constant_values=255)
        assert (ids.numpy() == padded[rows[:, None] + 20, columns + 20]).all()


@given(seed=st.integers(0, 2**31), scale=st.tuples(st.floats(0.3, 1), st.floats(1, 3)))
def test_a_batch_is_cut_as_its_samples_are(seed: int, scale: tuple) -> None:
    """The large operations for GPUs against the samples one by one: pixels to one level, labels alike."""
    rng = np.random.default_rng(seed)
    images = torch.tensor(rng.integers(0, 256, (3, 3, 45, 60), np.uint8))
    labels = torch.tensor(rng.integers(0, 12, (3, 45, 60), np.uint8))
    changes = [draw_changes((45, 60), AugmentSection(crop=(32, 48), scale=scale), rng) for _ in range(3)]
    pixels, ids = cut_all(images, labels, changes, (32, 48))
    for index, change in enumerate(changes):
        wanted, classes = cut(images[index], labels[index], change, (32, 48))
        assert (pixels[index].int() - wanted.int()).abs().max() <= 1
        assert torch.equal(ids[index], classes)


def test_answers_are_cut_where_the_image_is() -> None:
    answers = torch.randn(2, 5, 20, 30)
    boxes = [Changes((0, 0, 40, 60)), Changes((0, 0, 40, 60), flip=True)]
    whole, mirrored = cut_answers(answers, (40, 60), boxes, (20, 30))
    torch.testing.assert_close(whole, answers[0], atol=1e-4, rtol=0)
    torch.testing.assert_close(mirrored, answers[1].flip(-1), atol=1e-4, rtol=0)
    [part] = cut_answers(answers[:1], (40, 60), [Changes((8, 10, 16, 20))], (8, 10))
    torch.testing.assert_close(part, answers[0, :, 4:12, 5:15], atol=1e-4, rtol=0)


def test_light_is_what_was_drawn() -> None:
    """The curves by NumPy, to one level; no change leaves every value; blur and noise keep the mean."""
    image = np.random.default_rng(0).integers(0, 256, (24, 24, 3), np.uint8)
    batch = torch.tensor(image).permute(2, 0, 1)[None]
    box = (0, 0, 24, 24)
    assert torch.equal(relight(batch, [Changes(box)]), batch)
    change = Changes(box, gamma=1.3, gain=(0.8, 1.0, 1.4), shift=0.05, saturation=0.6)
    values = ((image / 255) ** 1.3 - 0.5) * [0.8, 1.0, 1.4] + 0.55
    values = np.clip(values, 0, 1)
    grey = values.mean(2, keepdims=True)
    wanted = 255 * np.clip(grey + (values - grey) * 0.6, 0, 1)
    assert np.abs(relight(batch, [change])[0].permute(1, 2, 0).numpy() - wanted).max() <= 0.51
    flat = torch.full((2, 3, 64, 64), 128, dtype=torch.uint8)
    noisy, soft = relight(flat, [Changes(box, noise=0.02, seed=3), Changes(box, blur=1.0)]).float()
    assert (soft == 128).all()
    assert abs(float(noisy.mean()) - 128) < 0.5
    assert 4.5 < float(noisy.std()) < 5.8


def test_the_same_generator_state_gives_the_same_crop() -> None:
    image = np.random.default_rng(1).integers(0, 256, (50, 70, 3), np.uint8)
    label = image[..., 0] % 11
    one, two = (augment(image, label, AugmentSection(crop=(32, 32)), 5) for _ in range(2))
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
