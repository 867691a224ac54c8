"""One service for all tests that leave it as they found it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.service import Service, running
from tests.tiny_onnx import CANONICAL, tiny_model


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny key-invariant model."""
    return tiny_model(tmp_path_factory.mktemp("models") / "tiny", CANONICAL)


@pytest.fixture(scope="session")
def service(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service without tokens, with the model under two names."""
    arguments = (str(model), f"other={model}", "--body", "1", "--pixels", "100000")
    with running(tmp_path_factory.mktemp("service"), *arguments) as started:
        yield started
