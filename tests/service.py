"""A real service in a process of its own, for the tests of server and client: `veilseg serve` as a person starts it."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np

import veilseg

SHUFFLE = veilseg.cipher("subblock-shuffle", block=16, sub_block=8)
SOURCE = str(Path(veilseg.__file__).parents[1])
PATIENCE = 300.0  # seconds until a test gives up waiting for a process on a busy machine

# One for all, without keeping connections: making a client takes longer than a request.
HTTP = httpx.Client(timeout=PATIENCE, limits=httpx.Limits(max_keepalive_connections=0))


@dataclass
class Service:
    """A running service: its address, its process, the file with its log."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    @property
    def worker(self) -> int:
        """The process id of the only worker."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        assert len(children) == 1, children
        return int(children[0])

    def post(self, body: bytes, kind: str = "image/png", **options: Any) -> httpx.Response:
        headers = {"Content-Type": kind, **options.pop("headers", {})}
        return HTTP.post(f"{self.url}/v1/segment", content=body, headers=headers, **options)

    def metric(self, name: str) -> float:
        """The sum of a metric over its labels."""
        lines = HTTP.get(f"{self.url}/metrics").text.splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if re.match(rf"{name}(\{{|\s)", line))

    def taken(self) -> float:
        """The images that were let in so far: those that a worker was given, and those that wait.

        In this order: one that goes to a worker meanwhile is missing for a moment, and never counted twice.
        """
        return self.metric("veilseg_queue_seconds_count") + self.metric("veilseg_queue_images")

    def until(self, condition: Any) -> None:
        """Wait until `condition()` holds."""
        end = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < end, f"waited in vain; log: {self.log.read_text()[-2000:]}"
            time.sleep(0.02)

    def is_ready(self) -> bool:
        try:
            return HTTP.get(f"{self.url}/readyz").status_code == 200
        except httpx.TransportError:
            return False


def running(
    folder: Path, *arguments: str, log: str | None = None, tls: bool = False, environment: dict[str, str] | None = None
) -> AbstractContextManager[Service]:
    """`veilseg serve ARGUMENTS...` on a free port of loopback; ended with SIGTERM. log: a device to log to."""
    command = ["-m", "veilseg.cli.main", "serve", *arguments, "--port", "PORT", "--threads", "1"]
    return _started(folder, command, log, tls, environment or {})


def limited(
    folder: Path, model: Path, limits: str, *, settings: str = "", tls: bool = False
) -> AbstractContextManager[Service]:
    """The same with limits that the verb does not offer, as Python writes them: "connections=3"; so other settings."""
    models = f"models={{'tiny': {str(model)!r}}}"
    settings = f"Settings({models}, port=PORT, limits=Limits({limits}), threads=1, {settings})"
    code = f"from veilseg.server.settings import *\nfrom veilseg.server.serve import serve\nserve({settings})"
    return _started(folder, ["-c", code], None, tls, {})


@contextmanager
def reserved_port() -> Iterator[int]:
    """A port of loopback that the system gives to nobody meanwhile; a server that is told its number can have it."""
    with socket.socket() as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do: then both may have it
        held.bind(("127.0.0.1", 0))  # it does not listen: without a server, connections are refused
        yield held.getsockname()[1]


@contextmanager
def _started(
    folder: Path, command: list[str], log: str | None, tls: bool, environment: dict[str, str]
) -> Iterator[Service]:
    path = Path(log) if log else folder / f"service-{time.monotonic_ns()}.log"
    with reserved_port() as port:
        with path.open("wb") as file:
            process = subprocess.Popen(
                [sys.executable, "-P", *(part.replace("PORT", str(port)) for part in command)],
                cwd=folder,
                stderr=file,
                env={**os.environ, "PYTHONPATH": SOURCE, **environment},
            )
        service = Service(f"{'https' if tls else 'http'}://127.0.0.1:{port}", process, path)
        try:
            if not tls:
                service.until(lambda: process.poll() is not None or service.is_ready())
                assert process.poll() is None, path.read_text()
            yield service
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            process.wait(PATIENCE)


def encrypted(seed: int = 0, height: int = 40, width: int = 50) -> bytes:
    """The file of a random encrypted image."""
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return SHUFFLE.encrypt(pixels).to_bytes()


def flood(service: Service, count: int) -> tuple[ThreadPoolExecutor, list[Future[httpx.Response]]]:
    """Send `count` images at once, from as many threads: the threads, and the answers to come."""
    pool = ThreadPoolExecutor(count)
    return pool, [pool.submit(service.post, encrypted(index)) for index in range(count)]
