"""The service on a cluster of two nodes: full, updated, and when a node dies."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from ray import serve

import veilseg
from tests.cluster.conftest import processes, second_node
from tests.service import SHUFFLE, Service, encrypted, flood, reserved_port
from tests.tiny_onnx import CANONICAL, photo, tiny_model
from veilseg.cli.main import main
from veilseg.runtime import Segmenter

if TYPE_CHECKING:
    from ray.cluster_utils import Cluster

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two models that differ."""
    folder = tmp_path_factory.mktemp("models")
    return [tiny_model(folder / str(seed), CANONICAL, seed=seed) for seed in (0, 1)]


@pytest.fixture(scope="module")
def service(cluster: Cluster, models: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The first model on two nodes, with little room: a replica on each. Afterwards nothing is served any more."""
    second_node(cluster)
    log = tmp_path_factory.mktemp("service") / "log"
    log.touch()
    with pytest.MonkeyPatch.context() as patch, reserved_port() as port:
        patch.setenv("RAY_ADDRESS", cluster.address)
        deploy(port, models[0])
        yield Service(f"http://127.0.0.1:{port}", None, log)  # type: ignore[arg-type]
    serve.shutdown()


def deploy(port: int, model: Path) -> None:
    """What a person does, first and to change the model."""
    options = ["--queue", "2", "--batch", "1", f"street={model}"]
    assert main(["serve", "--ray", "--port", str(port), *options]) == 0


def test_more_than_fits_is_refused_and_told_when_to_come_back(service: Service) -> None:
    """Both workers are held: every replica has two requests, two wait at each node, the others are refused."""
    assert service.post(encrypted()).status_code == 200
    workers = processes("veilseg.server.model_worker_main", os.getpid())
    assert len(workers) == 2
    for worker in workers:
        os.kill(worker, signal.SIGSTOP)
    pool, futures = flood(service, 24)
    try:
        service.until(lambda: sum(future.done() for future in futures) >= 4)
    finally:
        for worker in workers:
            os.kill(worker, signal.SIGCONT)
    with pool:
        answers = [future.result() for future in futures]
    assert {answer.status_code for answer in answers} == {200, 429}
    assert all(int(answer.headers["retry-after"]) >= 1 for answer in answers if answer.status_code == 429)
    assert service.post(encrypted()).status_code == 200


def test_an_update_loses_no_request(service: Service, models: list[Path]) -> None:
    """Two models in turn under one load: no answer but theirs, first those of the old, last those of the new."""
    image = encrypted()
    old, new = (Segmenter(model).segment(image).tobytes() for model in models)
    assert old != new
    answers: list[bytes] = []
    enough = threading.Event()

    def load() -> None:
        while not enough.is_set():
            answer = service.post(image, headers={"Accept": "application/octet-stream"})
            assert answer.status_code == 200, answer.text
            answers.append(answer.content)

    with ThreadPoolExecutor(2) as pool:
        clients = [pool.submit(load) for _ in range(2)]
        try:
            service.until(lambda: len(answers) > 5 or any(client.done() for client in clients))
            deploy(service.port, models[1])
            service.until(lambda: answers[-5:] == [new] * 5 or any(client.done() for client in clients))
        finally:
            enough.set()
        for client in clients:
            client.result()
    assert set(answers) == {old, new}
    assert answers[0] == old


def test_a_node_that_dies_loses_no_image_of_a_client(cluster: Cluster, service: Service, models: list[Path]) -> None:
    """Every image gets its one right answer, though one of the two replicas is killed with its node on the way."""
    images = [SHUFFLE.encrypt(photo(index)) for index in range(60)]
    node = second_node(cluster)
    done: list[None] = []

    def segment(image: veilseg.EncryptedImage) -> np.ndarray:
        labels = client.segment(image)
        done.append(None)
        if len(done) == 10:
            cluster.remove_node(node, allow_graceful=False)
        return labels

    with veilseg.Client(service.url) as client, ThreadPoolExecutor(4) as pool:
        maps = list(pool.map(segment, images))
    wanted = [[Segmenter(model).segment(image) for image in images] for model in models]  # before or after the update
    assert any(np.array_equal(maps, of_one) for of_one in wanted)
