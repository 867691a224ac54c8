"""camera: two sensors are told apart behind small cells, and not behind large ones or without a pattern."""

from __future__ import annotations

import numpy as np
import pytest

from veilseg import cipher
from veilseg.audit.attacks.camera import fingerprint, likeness
from veilseg.data.scenes import generate_scene

SCENES = [generate_scene(300 + i, (240, 320)).image for i in range(24)]


def right(side: int, strength: float) -> float:
    """The share of photographs that is given to the camera that took it; eight photographs make a fingerprint."""
    rng = np.random.default_rng(0)
    chosen = cipher("subblock-sort", 16, side)
    sensors = [1 + strength * rng.standard_normal((240, 320, 1)) for _ in range(2)]

    def taken(scene: np.ndarray, sensor: np.ndarray) -> np.ndarray:
        exposed = np.clip(scene * sensor + rng.normal(0, 1, scene.shape), 0, 255)
        return chosen.encrypt_pixels(exposed.round().astype(np.uint8), None, None)

    parts = (SCENES[:8], SCENES[8:16])
    patterns = [
        fingerprint([taken(scene, sensor) for scene in part], side) for part, sensor in zip(parts, sensors, strict=True)
    ]
    guesses = [
        int(np.argmax([likeness(taken(scene, sensor), pattern, side) for pattern in patterns])) == truth
        for scene in SCENES[16:]
        for truth, sensor in enumerate(sensors)
    ]
    return float(np.mean(guesses))


def test_sensors_are_told_apart_behind_small_cells() -> None:
    assert right(4, 0.02) > 0.9


@pytest.mark.parametrize(("side", "strength"), [(16, 0.01), (4, 0.0)])
def test_large_cells_and_perfect_sensors_tell_nothing(side: int, strength: float) -> None:
    assert right(side, strength) < 0.8  # chance is a half, of sixteen
