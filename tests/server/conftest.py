"""Services that several tests share: one as it is started, and one with a short queue whose worker can be held."""

from __future__ import annotations

import contextlib
import os
import signal
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
    """A service without tokens, with two models that differ."""
    other = tiny_model(tmp_path_factory.mktemp("models") / "tiny", CANONICAL, seed=1)
    arguments = (str(model), f"other={other}", "--body", "1", "--pixels", "100000")
    with running(tmp_path_factory.mktemp("service"), *arguments) as started:
        yield started


@pytest.fixture(scope="session")
def small(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service with a queue of three images, and patience: a worker is started slowly on a busy machine."""
    arguments = (str(model), "--queue", "3", "--batch", "2", "--timeout", "300")
    with running(tmp_path_factory.mktemp("small"), *arguments) as started:
        yield started


@pytest.fixture
def held(small: Service) -> Iterator[Service]:
    """The service with its worker stopped in the middle of a batch; it goes on when the test ends."""
    small.until(small.is_ready)
    worker = small.worker
    os.kill(worker, signal.SIGSTOP)
    yield small
    with contextlib.suppress(ProcessLookupError):
        os.kill(worker, signal.SIGCONT)
    small.until(lambda: small.is_ready() and small.metric("veilseg_queue_images") == 0)
