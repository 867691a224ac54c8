"""Small generated scenes, the public photographs, and evidence as the audit gathers it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.cli.conftest import cli as cli
from veilseg.audit import Evidence, Subject, Training, open_references
from veilseg.audit.samples import Victim, gather
from veilseg.ciphers import Cipher
from veilseg.data.scenes import generate_scene


@pytest.fixture(scope="session")
def subjects() -> list[Subject]:
    """Four scenes of 128 x 192 pixels."""
    return [Subject(f"scene {i}", generate_scene(700 + i, (128, 192)).image) for i in range(4)]


@pytest.fixture(scope="session")
def references() -> tuple:
    return open_references(None)


@pytest.fixture(scope="session")
def evidence(subjects: list[Subject], references: tuple) -> Callable[..., Evidence]:
    """Evidence against a cipher; further arguments are those of Training."""

    def make(cipher: Cipher, **training: object) -> Evidence:
        return gather(Victim(cipher, 3), subjects, references, 3, Training(**training))  # type: ignore[arg-type]

    return make
