"""multi-frame: wins where a camera shakes, comes to nothing where it does not or where scenes differ."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import shift

from tests.audit.conftest import mean_ssim
from veilseg import cipher
from veilseg.audit.attacks.multi_frame import MultiFrame, move
from veilseg.audit.base import Evidence
from veilseg.audit.registry import ATTACKS
from veilseg.audit.samples import AuditSample

FRAMES = 8


@pytest.fixture(scope="module")
def photograph(references) -> np.ndarray:
    return references[2][100:260, 200:424]


def shaken(photograph: np.ndarray, reach: float) -> list[AuditSample]:
    rng = np.random.default_rng(0)
    shifts = rng.uniform(-reach, reach, (FRAMES, 2))
    moved = [shift(photograph.astype(float), (*by, 0), order=3, mode="mirror") for by in shifts]
    noisy = np.clip(np.rint(np.array(moved) + rng.normal(0, 1, (FRAMES, *photograph.shape))), 0, 255)
    return [AuditSample(f"frame {number}", one) for number, one in enumerate(noisy.astype(np.uint8))]


def evidence(samples: list[AuditSample], name: str = "subblock-sort", side: int = 8) -> Evidence:
    chosen = cipher(name, 16, side)
    return Evidence(chosen, tuple(chosen.encrypt_pixels(sample.image, None, None) for sample in samples))


@pytest.mark.parametrize("name", ["subblock-sort", "mosaic"])
def test_frames_of_a_shaking_camera_show_more_than_one(photograph: np.ndarray, name: str) -> None:
    samples = shaken(photograph, 4)
    given = evidence(samples, name)
    found = MultiFrame().run(given)
    single = ATTACKS["rank-placement" if name == "subblock-sort" else "thumbnail"].run(given)
    gained = mean_ssim(found.reconstructions["grey"], samples) - mean_ssim(single.reconstructions["grey"], samples)
    assert gained > 0.05
    assert found.figures == {"frames": FRAMES}


def test_frames_of_a_camera_that_stands_show_no_more_than_one(photograph: np.ndarray) -> None:
    samples = shaken(photograph, 0)
    given = evidence(samples)
    found, single = (attack.run(given).reconstructions["grey"] for attack in (MultiFrame(), ATTACKS["rank-placement"]))
    assert mean_ssim(found, samples) < mean_ssim(single, samples) + 0.03


def test_pictures_of_different_scenes_are_no_frames(samples) -> None:
    given = evidence(samples)
    found, thumbnails = (attack.run(given) for attack in (MultiFrame(), ATTACKS["thumbnail"]))
    assert found.figures == {"frames": 1}
    scores = [mean_ssim(finding.reconstructions["grey"], samples) for finding in (found, thumbnails)]
    assert abs(scores[0] - scores[1]) < 0.03


def test_a_picture_is_moved_by_parts_of_a_pixel() -> None:
    rows, columns = np.mgrid[0:40, 0:60].astype(np.float32)
    slope = 2 * rows + columns
    assert np.allclose(move(slope, (1.25, 2.5))[8:-8, 8:-8], (slope - 2.5 - 2.5)[8:-8, 8:-8], atol=1e-3)
