"""The service on a cluster of its own: what holds for the service of one machine holds for it."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.conftest import processes
from tests.server.test_segment import *  # noqa: F403  the tests of one machine, on the service of this file
from tests.service import PATIENCE, Service, flood, running
from tests.tiny_onnx import CANONICAL, tiny_model
from veilseg.cluster.serving import from_arguments, parse_replicas, serve_on_ray
from veilseg.errors import UsageError, VeilsegError
from veilseg.server.settings import Settings

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny key-invariant model."""
    return tiny_model(tmp_path_factory.mktemp("models") / "tiny", CANONICAL)


@pytest.fixture(scope="module")
def service(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The service of the tests of one machine, as two replicas."""
    other = tiny_model(tmp_path_factory.mktemp("models") / "tiny", CANONICAL, seed=1)
    arguments = (str(model), f"other={other}", "--body", "1", "--pixels", "100000", "--ray", "--replicas", "2")
    with running(tmp_path_factory.mktemp("service"), *arguments, environment={"RAY_ADDRESS": ""}) as started:
        yield started


def test_sigterm_finishes_what_was_accepted(service: Service) -> None:
    """The last test of the service: it ends it, while its workers are held in the middle of four images."""
    workers = processes("veilseg.server.model_worker_main", service.process.pid)
    assert len(workers) == 4, "two models, two replicas"
    for worker in workers:
        os.kill(worker, signal.SIGSTOP)
    pool, futures = flood(service, 4)
    try:
        time.sleep(2)  # nobody tells which replica has them
        assert not any(future.done() for future in futures)
        service.process.send_signal(signal.SIGTERM)
        time.sleep(2)
    finally:
        for worker in workers:
            os.kill(worker, signal.SIGCONT)
    with pool:
        assert [future.result().status_code for future in futures] == [200] * 4
    assert service.process.wait(PATIENCE) == 0


@pytest.mark.parametrize(("text", "wanted"), [("1", (1, 1)), ("3", (3, 3)), ("1-8", (1, 8)), ("2-2", (2, 2))])
def test_replicas(text: str, wanted: tuple[int, int]) -> None:
    assert parse_replicas(text) == wanted


@pytest.mark.parametrize("text", ["0", "", "-1", "4-2", "1-2-3", "many", "1-"])
def test_no_replicas(text: str) -> None:
    with pytest.raises(UsageError, match="no number of replicas"):
        parse_replicas(text)


def test_a_configuration_without_tokens_is_refused() -> None:
    with pytest.raises(UsageError, match="needs tokens"):
        from_arguments({"models": "default"})
    with pytest.raises(UsageError, match="no setting 'modles'"):
        from_arguments({"modles": "default"})


def test_a_model_that_cannot_be_served_is_refused_before_ray_starts(tmp_path: Path) -> None:
    plain = tiny_model(tmp_path / "plain")
    for source, message in ((str(plain), "takes plain images"), (str(tmp_path / "none"), "none")):
        with pytest.raises(VeilsegError, match=message):
            serve_on_ray(Settings(models={"street": source}, port=1), (1, 1))
