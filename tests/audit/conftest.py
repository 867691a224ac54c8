"""Small generated scenes, the public photographs, and evidence as the audit gathers it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from tests.cli.conftest import cli as cli
from veilseg.audit.base import Evidence, Training
from veilseg.audit.samples import AuditSample, open_references
from veilseg.audit.scoring import compare
from veilseg.audit.victim import Victim, gather
from veilseg.ciphers import Cipher
from veilseg.data.scenes import generate_scene


def mean_ssim(pictures, samples) -> float:
    """Of pictures of the samples' sizes."""
    return float(np.mean([compare(p, s.image).ssim for p, s in zip(pictures, samples, strict=True)]))


@pytest.fixture(scope="session")
def samples() -> list[AuditSample]:
    """Four scenes of 128 x 192 pixels."""
    return [AuditSample(f"scene {i}", generate_scene(700 + i, (128, 192)).image) for i in range(4)]


@pytest.fixture(scope="session")
def references() -> tuple:
    return open_references(None)


@pytest.fixture(scope="session")
def evidence(samples: list[AuditSample], references: tuple) -> Callable[..., Evidence]:
    """Evidence against a cipher; further arguments are those of Training."""

    def make(cipher: Cipher, **training: object) -> Evidence:
        return gather(Victim(cipher, 3), samples, references, 3, Training(**training))  # type: ignore[arg-type]

    return make
