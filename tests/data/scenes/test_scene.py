"""Generated scenes: determinism, labels, and statistics that resemble CamVid's."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from veilseg.data.scenes import Scene, generate_scene
from veilseg.errors import UsageError

SMALL = (90, 120)

COARSE = {
    1: """
        1100000000000000
        1100000000000000
        1100000000000055
        1100001115550555
        1101111115555556
        1161111111511555
        1148388883334445
        2433388883333333
        3333388883333333
        3333333333333333
        3333333333333333
        3333333333333333
    """,
    2: """
        1110000000000000
        1111000000000000
        1111110000000000
        1111110000000000
        1161111000000000
        1111111001110561
        1191111888888111
        1194438888838844
        4433338888833333
        3333338333833333
        3333333333333333
        3333333333333333
    """,
    3: """
        1110000000000001
        1110055500000111
        1155555550001111
        1666555555111111
        5666555551111111
        1525566551116111
        11251a8888889555
        3323aa8888383445
        3323338888833333
        4443338888833333
        4433333333333333
        4333333333333333
    """,
}
"""Labels at every thirtieth pixel of 360x480, one hexadecimal digit each."""


def digest(scene: Scene) -> str:
    return hashlib.sha256(scene.image.tobytes() + scene.label.tobytes() + repr(scene.plates).encode()).hexdigest()


def test_the_same_seed_is_the_same_scene_in_another_process() -> None:
    code = (
        "import hashlib; from veilseg.data.scenes import generate_scene; generate_scene(9, (32, 40));"
        "s = generate_scene(4, (90, 120));"
        "print(hashlib.sha256(s.image.tobytes() + s.label.tobytes() + repr(s.plates).encode()).hexdigest())"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "12345"}
    there = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, env=environment)
    assert there.stdout.strip() == digest(generate_scene(4, (90, 120)))


@pytest.mark.parametrize("seed", sorted(COARSE))
def test_scenes_stay_what_they_were(seed: int) -> None:
    """Published figures on scenes hold only for the scenes they were measured on: change these maps knowingly."""
    label = generate_scene(seed).label[15::30, 15::30]
    before = np.array([[int(digit, 16) for digit in row] for row in COARSE[seed].split()])
    assert (label != before).sum() <= 4, "\n".join("".join(f"{v:x}" for v in row) for row in label)


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 2**70), height=st.integers(32, 150), width=st.integers(32, 200))
def test_any_seed_and_size(seed: int, height: int, width: int) -> None:
    scene = generate_scene(seed, (height, width))
    assert scene.image.shape == (height, width, 3)
    assert scene.label.shape == (height, width)
    assert scene.image.dtype == scene.label.dtype == np.uint8
    assert scene.label.max() <= 10
    assert scene.image.std() > 4
    for text, (left, top, right, bottom) in scene.plates:
        assert len(text) == 8
        assert 0 <= left < right <= width
        assert 0 <= top < bottom <= height
        assert (scene.label[top:bottom, left:right] == 8).all()


@pytest.mark.parametrize(("seed", "size"), [(-1, (90, 120)), (0, (31, 120)), (0, (90, 0))])
def test_nonsense_is_refused(seed: int, size: tuple[int, int]) -> None:
    with pytest.raises(UsageError):
        generate_scene(seed, size)


def test_many_scenes_resemble_camvid() -> None:
    """One test for all statistics, so that the scenes are generated once."""
    many = [generate_scene(seed, SMALL) for seed in range(50)]
    assert len({digest(scene) for scene in many}) == len(many)
    counts = np.sum([np.bincount(scene.label.ravel(), minlength=11) for scene in many], axis=0)
    percent = counts / counts.sum() * 100
    # CamVid train without void: 17.5 24.2 1.0 33.0 4.7 10.1 1.2 1.2 6.1 0.7 0.3.
    low = (12, 17, 0.5, 26, 2, 6, 0.5, 0.2, 4, 0.3, 0.05)
    high = (24, 31, 3, 40, 8, 15, 3, 3, 12, 2, 2)
    assert (percent >= low).all(), percent.round(2)
    assert (percent <= high).all(), percent.round(2)
    assert np.mean([len(np.unique(scene.label)) for scene in many]) > 8
    rows, third = np.stack([scene.label for scene in many]), SMALL[0] // 3
    assert (rows[:, :third] == 3).mean() < 0.001, "road in the sky"
    assert (rows[:, -third:] == 0).mean() < 0.001, "sky on the ground"
    assert (rows[:, :third] == 0).mean() > 0.25
    assert (rows[:, -third:] == 3).mean() > 0.6
    means = np.array([scene.image.mean() for scene in many])
    assert means.std() > 15, "the light does not vary"
    assert 70 < means.mean() < 140
