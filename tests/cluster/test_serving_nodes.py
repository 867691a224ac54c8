"""The service on a cluster of two nodes: full, updated, and when a node dies."""

from __future__ import annotations

import os
import signal
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

import veilseg
from tests.cluster.conftest import processes
from tests.service import SHUFFLE, Service, encrypted, flood
from tests.tiny_onnx import CANONICAL, photo, tiny_model
from veilseg.cli.main import main
from veilseg.runtime import Segmenter

if TYPE_CHECKING:
    from ray.cluster_utils import Cluster

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def service(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Service:
    """Where the service will be; both nodes listen there."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = tmp_path_factory.mktemp("service") / "none"
    log.touch()
    return Service(f"http://127.0.0.1:{port}", None, log)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two models that differ."""
    folder = tmp_path_factory.mktemp("models")
    return [tiny_model(folder / str(seed), CANONICAL, seed=seed) for seed in (0, 1)]


def deploy(service: Service, model: Path, *options: str) -> None:
    """What a person does, first and to change something."""
    assert main(["serve", "--ray", "--port", str(service.port), *options, f"street={model}"]) == 0


def test_more_than_fits_is_refused_and_told_when_to_come_back(service: Service, models: list[Path]) -> None:
    """The only worker is held: two requests are with the replica, one waits at each node, the others are refused."""
    deploy(service, models[0], "--replicas", "1", "--queue", "1", "--batch", "1")
    assert service.post(encrypted()).status_code == 200
    (worker,) = processes("veilseg.server.worker", os.getpid())
    os.kill(worker, signal.SIGSTOP)
    pool, futures = flood(service, 10)
    try:
        service.until(lambda: sum(future.done() for future in futures) >= 6)
    finally:
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
    deploy(service, models[0])
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
            deploy(service, models[1])
            service.until(lambda: answers[-5:] == [new] * 5 or any(client.done() for client in clients))
        finally:
            enough.set()
        for client in clients:
            client.result()
    assert set(answers) == {old, new}
    assert answers[0] == old


def test_a_node_that_dies_loses_no_image_of_a_client(cluster: Cluster, service: Service, models: list[Path]) -> None:
    """Every image gets the one right answer, though one of the two replicas is killed with its node on the way."""
    images = [SHUFFLE.encrypt(photo(index)) for index in range(60)]
    segmenter = Segmenter(models[1])
    (node,) = cluster.worker_nodes
    done = 0

    def segment(image: veilseg.EncryptedImage) -> np.ndarray:
        nonlocal done
        labels = client.segment(image)
        done += 1
        if done == 10:
            cluster.remove_node(node, allow_graceful=False)
        return labels

    with veilseg.Client(service.url) as client, ThreadPoolExecutor(4) as pool:
        maps = list(pool.map(segment, images))
    for image, labels in zip(images, maps, strict=True):
        assert np.array_equal(labels, segmenter.segment(image))
