"""The U-Net: better than what it starts from where it may learn from the very picture, no better on noise."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from skimage.metrics import structural_similarity as reference

from veilseg import cipher
from veilseg.audit.attacks.rank_placement import RankPlacement
from veilseg.audit.attacks.unet import Seen, UNet, all_values, draw, means_alone, structural_similarity, train
from veilseg.audit.base import Evidence, Pixels, Stored
from veilseg.audit.picture import as_pixels, grey, means
from veilseg.audit.scoring import compare
from veilseg.ciphers import Cipher

SIDE = 8
SORT = cipher("subblock-sort", SIDE, SIDE)
See = Callable[[Cipher, Stored], Seen]


def seen(see: See, image: Pixels, chosen: Cipher = SORT) -> Seen:
    return see(chosen, chosen.encrypt_pixels(image, None, None))


def gained(image: Pixels, see: See, steps: int) -> float:
    """SSIM after training on the very picture, less that of what it starts from."""
    one = seen(see, image)
    truth = (grey(image) / 255).astype(np.float32)
    network = train([one], [truth], steps=steps, seed=1)
    before = as_pixels(one.pictures.mean(axis=0) * 255)
    return compare(draw(network, one), image).ssim - compare(before, image).ssim


@pytest.fixture
def scene(samples) -> Pixels:
    return np.ascontiguousarray(samples[0].image[:96, :144])


@pytest.mark.parametrize("see", [all_values, means_alone])
def test_it_learns_what_a_picture_looks_like(scene: Pixels, see: See) -> None:
    torch.set_num_threads(1)
    assert gained(scene, see, 80) > 0.02


def test_of_noise_there_is_nothing_to_learn() -> None:
    """Which value is where in a cell nobody can know."""
    rng = np.random.default_rng(0)
    noise, other = (rng.integers(0, 256, (96, 96, 1), dtype=np.uint8).repeat(3, axis=2) for _ in range(2))
    truth = (grey(noise) / 255).astype(np.float32)
    network = train([seen(all_values, noise)], [truth], steps=60, seed=1)
    assert compare(draw(network, seen(all_values, other)), other).ssim < 0.2


def test_it_starts_from_rank_placement(scene: Pixels) -> None:
    one = seen(all_values, scene)
    network = UNet(len(one.cells), len(one.pictures), SIDE)
    (placed,) = RankPlacement().run(Evidence(SORT, (SORT.encrypt_pixels(scene, None, None),))).reconstructions["grey"]
    assert np.abs(draw(network, one).astype(int) - placed).max() <= 1


def test_a_shuffled_picture_shows_what_a_sorted_one_shows(scene: Pixels) -> None:
    shuffled = seen(all_values, scene, cipher("subblock-shuffle", SIDE, SIDE))
    assert all(
        np.allclose(a, b, atol=1e-6)
        for a, b in zip(vars(seen(all_values, scene)).values(), vars(shuffled).values(), strict=True)
    )


def test_the_control_sees_means_alone(scene: Pixels) -> None:
    flat = np.rint(means(scene, SIDE)).astype(np.uint8).repeat(SIDE, axis=0).repeat(SIDE, axis=1)
    for ours, theirs in zip(
        vars(seen(means_alone, scene)).values(), vars(seen(means_alone, flat)).values(), strict=True
    ):
        assert np.abs(ours - theirs).max() <= 1 / 255  # rounded, and enlarged


def test_odd_numbers_of_cells_are_filled_up(scene: Pixels) -> None:
    one = seen(all_values, scene[:88, :104])
    assert one.cells.shape[1:] == (12, 14)
    assert one.pictures.shape[1:] == (96, 112)


def test_similarity_is_that_of_scikit_image(scene: Pixels) -> None:
    first = grey(scene) / 255
    second = np.roll(first, 1, axis=1)
    tensors = (torch.from_numpy(values)[None, None] for values in (first, second))
    expected = reference(first, second, data_range=1.0)
    assert float(structural_similarity(*tensors)) == pytest.approx(expected, abs=1e-9)
