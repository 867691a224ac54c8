"""What requests hold is counted until their answers are read; what would be too much is refused before it is kept."""

from __future__ import annotations

import os
import signal
import socket
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import httpx
import numpy as np

from tests.service import Service, encrypted, limited
from veilseg import container
from veilseg.header import Header
from veilseg.server.memory import BYTES_PER_PIXEL
from veilseg.spec import CipherSpec

MIB = 1 << 20


def image(pixels: np.ndarray) -> bytes:
    """A file that says of `pixels`, uint8 [H, W, 3], that they are encrypted."""
    height, width, _ = pixels.shape
    header = Header(spec=CipherSpec("subblock-sort", 16, 8), height=height, width=width)
    return container.encode(pixels, header)


def held(service: Service) -> float:
    return service.metric("veilseg_request_bytes")


def resident(pid: int) -> int:
    """The bytes of memory that a process has."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_what_waits_is_counted_and_not_more_than_that_is_held(model: Path, tmp_path: Path) -> None:
    body = image(np.random.default_rng(0).integers(0, 256, (1024, 2048, 3), np.uint8))
    each = len(body) + BYTES_PER_PIXEL * 1024 * 2048
    assert each > 12 * MIB
    limits = f"memory={4 * each}, body=8 << 20, pixels={1024 * 2048}, batch=1, timeout=300"
    with limited(tmp_path, model, limits) as service, ThreadPoolExecutor(4) as pool:
        assert service.post(body).status_code == 200
        service.until(lambda: held(service) == 0)
        before = resident(service.process.pid)
        os.kill(service.worker, signal.SIGSTOP)
        answers: list[Future[httpx.Response]] = []
        for count in range(1, 5):
            answers.append(pool.submit(service.post, body))
            service.until(lambda count=count: held(service) == count * each)
        # Every body lies there once, that of the batch on its way to the worker a few times; what else is counted is
        # for label maps and answers to come.
        assert resident(service.process.pid) - before < 6 * len(body) + 6 * MIB
        refused = service.post(encrypted())
        assert (refused.status_code, refused.json()["error"]["code"]) == (503, "busy")
        assert int(refused.headers["retry-after"]) >= 1
        os.kill(service.worker, signal.SIGCONT)
        assert [answer.result().status_code for answer in answers] == [200] * 4
        service.until(lambda: held(service) == 0)
        assert service.post(body).status_code == 200


def test_a_request_that_could_never_fit_is_not_told_to_come_back(model: Path, tmp_path: Path) -> None:
    with limited(tmp_path, model, "memory=400_000, body=300_000, pixels=30_000") as service:
        files = [("image", (str(index), encrypted(index, 160, 160), "image/png")) for index in range(3)]
        refused = httpx.post(f"{service.url}/v1/segment", files=files, timeout=60)
        assert (refused.status_code, refused.json()["error"]["code"]) == (413, "too_much")
        assert "discarded" in refused.json()["error"]["message"]
        assert httpx.post(f"{service.url}/v1/segment", files=files[:2], timeout=60).status_code == 200
        assert held(service) == 0


def test_an_answer_counts_until_it_is_read(model: Path, tmp_path: Path) -> None:
    """It is larger than the system's buffers, and its client does not read on."""
    file = image(np.zeros((1024, 1024, 3), np.uint8))
    part = b"--x\r\nContent-Disposition: form-data; name=a\r\nContent-Type: image/png\r\n\r\n" + file + b"\r\n"
    body = 8 * part + b"--x--\r\n"
    head = (
        "POST /v1/segment HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: application/octet-stream\r\n"
        f"Content-Type: multipart/form-data; boundary=x\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    with limited(tmp_path, model, "timeout=300, send_timeout=300") as service:
        with socket.socket() as stuck:
            stuck.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            stuck.connect(("127.0.0.1", service.port))
            stuck.sendall(head.encode() + body)
            assert stuck.recv(15) == b"HTTP/1.1 200 OK"
            assert held(service) == len(body) + 8 * BYTES_PER_PIXEL * 1024 * 1024
        service.until(lambda: held(service) == 0)
