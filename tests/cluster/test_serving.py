"""The service on a cluster: what holds for one machine holds for it, and an update or a dead replica loses nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from tests.cluster.conftest import a_process
from tests.server.test_segment import *  # noqa: F403  the tests of one machine, on the service of this folder
from tests.service import PATIENCE, SOURCE, Service, encrypted, flood, running
from tests.tiny_onnx import CANONICAL, tiny_model
from veilseg.cluster.serving import from_arguments, parse_replicas
from veilseg.errors import UsageError
from veilseg.runtime import Segmenter

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def small(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """One replica, and one request that may wait."""
    arguments = (str(model), "--ray", "--replicas", "1", "--queue", "1", "--batch", "1")
    with running(tmp_path_factory.mktemp("small"), *arguments) as started:
        yield started


def test_more_than_fits_is_refused_and_told_when_to_come_back(small: Service) -> None:
    """The worker is held: two requests are with the replica, one waits, and the others are refused."""
    assert small.post(encrypted()).status_code == 200
    worker = a_process("veilseg.server.worker", small.process.pid)
    os.kill(worker, signal.SIGSTOP)
    pool, futures = flood(small, 8)
    try:
        small.until(lambda: sum(future.done() for future in futures) >= 5)
    finally:
        os.kill(worker, signal.SIGCONT)
    with pool:
        answers = [future.result() for future in futures]
    assert sorted(answer.status_code for answer in answers) == [200] * 3 + [429] * 5
    assert all(int(answer.headers["retry-after"]) >= 1 for answer in answers if answer.status_code == 429)
    assert small.post(encrypted()).status_code == 200


def test_sigterm_finishes_what_was_accepted(model: Path, tmp_path: Path) -> None:
    with running(tmp_path, str(model), "--ray") as service:
        pool, futures = flood(service, 4)
        service.until(lambda: any(future.done() for future in futures))
        service.process.send_signal(signal.SIGTERM)
        with pool:
            assert [future.result().status_code for future in futures] == [200] * 4
        assert service.process.wait(PATIENCE) == 0


@pytest.mark.parametrize(("text", "wanted"), [("1", (1, 1)), ("3", (3, 3)), ("1-8", (1, 8)), ("2-2", (2, 2))])
def test_replicas(text: str, wanted: tuple[int, int]) -> None:
    assert parse_replicas(text) == wanted


@pytest.mark.parametrize("text", ["0", "", "-1", "4-2", "1-2-3", "many", "1-"])
def test_no_replicas(text: str) -> None:
    if text == "1-":  # the most left out: the fewest
        assert parse_replicas(text) == (1, 1)
        return
    with pytest.raises(UsageError, match="no number of replicas"):
        parse_replicas(text)


def test_a_configuration_without_tokens_is_refused() -> None:
    with pytest.raises(UsageError, match="needs tokens"):
        from_arguments({"models": "default"})
    with pytest.raises(UsageError, match="no argument 'modles'"):
        from_arguments({"modles": "default"})


def test_an_update_loses_no_request(tmp_path: Path) -> None:
    """Two models in turn under one load: no answer but theirs, first those of the old, last those of the new."""
    from ray.cluster_utils import Cluster

    models = [tiny_model(tmp_path / f"model-{seed}", CANONICAL, seed=seed) for seed in (0, 1)]
    image = encrypted()
    old, new = (Segmenter(model).segment(image).tobytes() for model in models)
    assert old != new
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 4, "include_dashboard": False})
    environment = {**os.environ, "PYTHONPATH": SOURCE, "RAY_ADDRESS": cluster.address}

    def deploy(model: Path) -> None:
        serve = [sys.executable, "-m", "veilseg.cli.main", "serve", "--ray", "--port", "8123"]
        subprocess.run([*serve, "--replicas", "2", f"street={model}"], check=True, env=environment, timeout=PATIENCE)

    try:
        deploy(models[0])
        service = Service("http://127.0.0.1:8123", None, tmp_path / "none")  # type: ignore[arg-type]
        answers: list[bytes] = []
        updating = True

        def load() -> None:
            while updating:
                answer = service.post(image, headers={"Accept": "application/octet-stream"})
                assert answer.status_code == 200, answer.text
                answers.append(answer.content)

        with ThreadPoolExecutor(2) as pool:
            clients = [pool.submit(load) for _ in range(2)]
            try:
                service.until(lambda: len(answers) > 5)
                deploy(models[1])
                service.until(lambda: answers[-5:] == [new] * 5)
            finally:
                updating = False
            for client in clients:
                client.result()
    finally:
        cluster.shutdown()
    assert set(answers) == {old, new}
    assert answers[0] == old
    assert np.frombuffer(answers[-1], np.uint8).size == 40 * 50
