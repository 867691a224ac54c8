"""A real service in a process of its own, for the tests of server and client: `veilseg serve` as a person starts it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
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


@contextmanager
def running(
    folder: Path, *arguments: str, log: str | None = None, tls: bool = False, environment: dict[str, str] | None = None
) -> Iterator[Service]:
    """`veilseg serve ARGUMENTS...` on a free port of loopback; ended with SIGTERM. log: a device to log to."""
    path = Path(log) if log else folder / f"service-{time.monotonic_ns()}.log"
    import socket

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with path.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "veilseg.cli.main", "serve", *arguments, "--port", str(port), "--threads", "1"],
            cwd=folder,
            stderr=file,
            env={**os.environ, "PYTHONPATH": SOURCE, **(environment or {})},
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
