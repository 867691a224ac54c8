"""The service on a cluster of two nodes: full, updated, and when a node dies."""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from ray import serve

import veilseg
from tests.cluster.conftest import processes
from tests.service import SHUFFLE, Service, encrypted, flood
from tests.tiny_onnx import CANONICAL, photo, tiny_model
from veilseg.cli.main import main
from veilseg.runtime import Segmenter

if TYPE_CHECKING:
    from ray._private.node import Node
    from ray.cluster_utils import Cluster

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("cluster")]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two models that differ."""
    folder = tmp_path_factory.mktemp("models")
    return [tiny_model(folder / str(seed), CANONICAL, seed=seed) for seed in (0, 1)]


@pytest.fixture(scope="module")
def port(cluster: Cluster) -> Iterator[int]:
    """Where the nodes listen; afterwards nothing is served any more."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        number = free.getsockname()[1]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_ADDRESS", cluster.address)
        yield number
    serve.shutdown()


@pytest.fixture
def service(second: Node, port: int, models: list[Path], tmp_path: Path) -> Service:
    """The first model on two nodes, with little room: a replica on each."""
    deploy(port, models[0])
    (tmp_path / "log").touch()
    return Service(f"http://127.0.0.1:{port}", None, tmp_path / "log")  # type: ignore[arg-type]


def deploy(port: int, model: Path) -> None:
    """What a person does, first and to change the model."""
    options = ["--queue", "1", "--batch", "1", f"street={model}"]
    assert main(["serve", "--ray", "--port", str(port), *options]) == 0


def test_more_than_fits_is_refused_and_told_when_to_come_back(service: Service) -> None:
    """Both workers are held: every replica has two requests, one waits at each node, the others are refused."""
    assert service.post(encrypted()).status_code == 200
    workers = processes("veilseg.server.worker", os.getpid())
    assert len(workers) == 2
    for worker in workers:
        os.kill(worker, signal.SIGSTOP)
    pool, futures = flood(service, 12)
    try:
        service.until(lambda: sum(future.done() for future in futures) >= 6)
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


def test_a_node_that_dies_loses_no_image_of_a_client(
    cluster: Cluster, second: Node, service: Service, models: list[Path]
) -> None:
    """Every image gets its one right answer, though one of the two replicas is killed with its node on the way."""
    images = [SHUFFLE.encrypt(photo(index)) for index in range(60)]
    segmenter = Segmenter(models[0])
    done: list[None] = []

    def segment(image: veilseg.EncryptedImage) -> np.ndarray:
        labels = client.segment(image)
        done.append(None)
        if len(done) == 10:
            cluster.remove_node(second, allow_graceful=False)
        return labels

    with veilseg.Client(service.url) as client, ThreadPoolExecutor(4) as pool:
        maps = list(pool.map(segment, images))
    for image, labels in zip(images, maps, strict=True):
        assert np.array_equal(labels, segmenter.segment(image))
