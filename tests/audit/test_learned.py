"""The networks: seeded, resumed to the same weights, better than interpolation where there is something to learn."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.audit.conftest import mean_ssim
from veilseg import cipher
from veilseg.audit.attacks.inverse_network import square_features
from veilseg.audit.base import Evidence
from veilseg.audit.picture import means
from veilseg.audit.registry import ATTACKS
from veilseg.audit.victim import Victim

SMALL = {"batch": 4, "crop": 48, "width": 8, "scenes": 3}
STEPS = 120
ONE_SCENE = {"steps": 400, "batch": 1, "crop": 128, "width": 16, "scenes": 0}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["inverse-network", "gan"])
def test_networks_open_a_cipher_whose_key_they_may_use(evidence, samples, name: str) -> None:
    """The weak setting: own pairs under the victim's key, small blocks. The thumbnail is what they start from."""
    weak = evidence(cipher("patch-permutation", 4), steps=STEPS, **SMALL)
    weak = replace(weak, own=Victim(weak.cipher, 3).encrypt)
    thumbnail = mean_ssim(ATTACKS["thumbnail"].run(weak).reconstructions["grey"], samples)
    assert mean_ssim(ATTACKS[name].run(weak).reconstructions["inverted"], samples) > thumbnail + 0.1


@pytest.mark.slow
@pytest.mark.parametrize("name", ["inverse-network", "gan"])
def test_networks_learn_nothing_about_another_key(evidence, samples, name: str) -> None:
    strong = evidence(cipher("patch-rotation", 8), steps=STEPS, **SMALL)
    assert mean_ssim(ATTACKS[name].run(strong).reconstructions["inverted"], samples) < 0.3


@pytest.mark.parametrize("name", ["inverse-network", "gan"])
def test_an_interrupted_training_ends_with_the_same_picture(evidence, tmp_path: Path, name: str) -> None:
    made: Evidence = evidence(cipher("subblock-sort", 16, 8), steps=104, **{**SMALL, "batch": 1, "crop": 16})
    straight = ATTACKS[name].run(made).reconstructions["inverted"]

    def interrupt(name: str, step: int, steps: int) -> None:
        if step == 102:
            raise KeyboardInterrupt

    kept = replace(made, training=replace(made.training, folder=tmp_path, progress=interrupt))
    with pytest.raises(KeyboardInterrupt):
        ATTACKS[name].run(kept)
    (saved,) = tmp_path.glob("*.pt")
    assert torch.load(saved, weights_only=True)["step"] == 100
    steps: list[int] = []
    going_on = replace(kept, training=replace(kept.training, progress=lambda name, step, steps_: steps.append(step)))
    resumed = ATTACKS[name].run(going_on).reconstructions["inverted"]
    assert steps == [101, 102, 103, 104]
    assert all(np.array_equal(a, b) for a, b in zip(straight, resumed, strict=True))


def first_scene(attack: str, name: str, made: Evidence, samples) -> float:
    found = ATTACKS[attack].run(replace(made, encrypted=made.encrypted[:1])).reconstructions
    return mean_ssim(found[name], samples[:1])


@pytest.mark.slow
def test_super_resolution_adds_detail_that_it_has_learned(evidence, samples) -> None:
    """The weak setting: it has learned from the very scene."""
    weak = replace(evidence(cipher("subblock-shuffle", 16, 8), **ONE_SCENE), references=(samples[0].image,))
    thumbnail = first_scene("thumbnail", "grey", weak, samples)
    assert first_scene("super-resolution", "enlarged", weak, samples) > thumbnail + 0.03


@pytest.mark.slow
def test_super_resolution_makes_nothing_of_means_that_say_nothing(evidence, samples) -> None:
    """A rotation, which `fits` leaves out, and photographs of other things: no better than one flat grey."""
    strong = evidence(cipher("patch-rotation", 8), **ONE_SCENE)
    flat = np.full_like(samples[0].image, round(float(samples[0].image.mean())))
    enlarged = first_scene("super-resolution", "enlarged", strong, samples)
    assert enlarged < mean_ssim([flat], samples[:1]) + 0.02


def test_super_resolution_sees_means_alone(evidence) -> None:
    first = evidence(cipher("mosaic", 16, 8), steps=2, **SMALL)
    second = replace(evidence(cipher("subblock-shuffle", 16, 8), steps=2, **SMALL), own=first.own)
    rounded = ATTACKS["super-resolution"].run(first).reconstructions["enlarged"]
    shuffled = ATTACKS["super-resolution"].run(second).reconstructions["enlarged"]
    apart = [np.abs(a.astype(int) - b.astype(int)).max() for a, b in zip(rounded, shuffled, strict=True)]
    assert max(apart) <= 3  # the mosaic's means are rounded
    assert not ATTACKS["super-resolution"].fits(cipher("patch-rotation"))


def test_features_are_those_of_the_canonical_form(samples) -> None:
    image, made = samples[0].image, cipher("subblock-shuffle", 16, 8)
    found = square_features(np.asarray(made.encrypt(image)), made)
    assert found.shape == (192, 16, 24)
    canonical = cipher("subblock-sort", 16, 8).reduce(image)
    assert np.array_equal(found, square_features(canonical, made))
    assert np.allclose(found.mean(axis=0), 0, atol=1e-5)
    assert np.isclose(found[0, 0, 0] * 64, canonical[0, 0, 0] - means(image, 8)[0, 0].mean(), atol=1e-4)
