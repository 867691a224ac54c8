"""Scenes as a dataset."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from veilseg.data import open_data
from veilseg.data.scenes import generate_scene
from veilseg.data.scenes.dataset import SceneData


def test_a_scene_does_not_depend_on_the_count() -> None:
    short, long = SceneData(2, 3, (32, 40)), SceneData(9, 3, (32, 40))
    assert np.array_equal(short[1].image, long[1].image)
    assert np.array_equal(short[-1].image, short[1].image)
    assert short[1].name == "scene-3-000001"


def test_datasets_of_different_seeds_share_nothing() -> None:
    seen = []
    for seed in (0, 1):
        data = SceneData(3, seed, (32, 40))
        seen.append({data[index].image.tobytes() for index in range(len(data))})
    assert not seen[0] & seen[1]


def test_samples_are_the_scenes_themselves() -> None:
    sample = open_data("scenes:2")[1]
    scene = generate_scene(1)
    assert np.array_equal(sample.image, scene.image)
    assert np.array_equal(sample.label, scene.label)
    assert sample.plates == scene.plates
    assert sample.image.shape == (360, 480, 3)


def test_indices_beyond_the_end() -> None:
    with pytest.raises(IndexError):
        SceneData(2, 0, (32, 40))[2]
    few: Any = SceneData(2, 0, (32, 40))
    assert len(list(few)) == 2  # Python ends such a loop at an IndexError
