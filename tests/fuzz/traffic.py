"""Fuzzing over connections: requests to a real service, responses to a real client, both mutated in their bytes.

A case is over when the connection is. Each returns (cases, findings), and keeps the bytes of what was found.
"""

from __future__ import annotations

import contextlib
import random
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.client.impostor import SMALL
from tests.fuzz.seeds import seeds
from tests.service import Service, limited
from tests.tiny_onnx import CANONICAL, tiny_model
from veilseg.client import Client, Retries
from veilseg.errors import VeilsegError

_SECONDS = 20  # for one case
_WORDS = (
    b"\r\n", b"\r\n\r\n", b"\0", b"\xff", b"0", b"-1", b"99999999999999999999", b"chunked", b"gzip", b"%00", b"?model=",
    b"Content-Length: 7\r\n", b"Transfer-Encoding: chunked\r\n", b"Connection: close\r\n", b"Expect: 100-continue\r\n",
    b"HTTP/1.1 100 \r\n\r\n", b"Upgrade: websocket\r\n", b"Accept: */*;q=0\r\n", b"--x\r\n", b"--x--", b" ", b":",
    b"\t", b"\x1b[2J",
)  # fmt: skip


def mutated(data: bytes, chance: random.Random) -> bytes:
    """A few changes anywhere: bytes, words of HTTP put in, pieces left out, doubled or moved."""
    for _ in range(chance.randint(1, 5)):
        at, size = chance.randint(0, len(data)), chance.randint(1, 1 << chance.randint(0, 8))
        piece = data[at : at + size]
        put, gone = chance.choice(
            [
                (chance.randbytes(len(piece) % 8), min(size, 8)),
                (chance.choice(_WORDS), 0),
                (chance.choice(_WORDS), len(piece) % 16),
                (b"", size),
                (piece * chance.randint(1, 4), 0),
            ]
        )
        data = data[:at] + put + data[at + gone :]
    return data


def requests(cases: int, seed: int, kept: Path) -> tuple[int, list[str]]:
    """Every request gets a response below 500 or a closed connection; the service logs no bug and stays the same."""
    chance, begin, findings = random.Random(seed), seeds("requests"), []
    with tempfile.TemporaryDirectory() as folder:
        model = tiny_model(Path(folder, "tiny"), CANONICAL)
        limits = "body=1 << 20, pixels=100000, head_timeout=2, body_timeout=2, send_timeout=2"
        with limited(Path(folder), model, limits) as service:
            worker = service.worker
            for _ in range(cases):
                data = mutated(chance.choice(begin), chance)
                said = _sent(service.port, data, half=chance.random() < 0.99)
                if said is not None:
                    findings.append(_found("requests", data, said, kept))
            findings += _after(service, worker)
    return cases, findings


def _sent(port: int, data: bytes, *, half: bool) -> str | None:
    """What is wrong with the service's response. half: we say at once that nothing more comes."""
    begun, answer = time.monotonic(), b""
    with socket.create_connection(("127.0.0.1", port), _SECONDS) as connection, contextlib.suppress(ConnectionError):
        connection.sendall(data)
        if half:
            connection.shutdown(socket.SHUT_WR)
        while time.monotonic() < begun + _SECONDS:
            try:
                more = connection.recv(1 << 16)
            except TimeoutError:
                break
            answer += more
            if not more:
                break
    if time.monotonic() > begun + _SECONDS:
        return f"the connection was held for {_SECONDS} s"
    status = answer[9:12]
    return None if not answer or status[:1] in b"1234" or status == b"503" else f"status {status!r}"


def _after(service: Service, worker: int) -> Iterator[str]:
    """What is wrong with the service after all of it."""
    if service.worker != worker:
        yield "the model worker was replaced"
    log = service.log.read_text()
    if '"event": "bug"' in log or "Traceback" in log or '"exception"' in log:
        yield (
            "the log has a bug: " + next(line for line in log.splitlines() if "bug" in line or "xception" in line)[:300]
        )
    if not service.is_ready():
        yield "the service is not ready"


def responses(cases: int, seed: int, kept: Path) -> tuple[int, list[str]]:
    """Whatever a service sends, the client gives a label map or raises VeilsegError, in its time."""
    chance, begin, findings = random.Random(seed), seeds("responses"), []
    with _bytes_server() as (port, script):
        for _ in range(cases):
            # The first response is to the question about the model; most are right, so that an image is sent too.
            first = begin[0] if chance.random() < 0.6 else mutated(chance.choice(begin), chance)
            script[:] = [first, mutated(chance.choice(begin), chance)]
            said, begun = None, time.monotonic()
            try:
                with Client(f"http://127.0.0.1:{port}", retries=Retries(attempts=1), timeout=3) as client:
                    client.segment(SMALL)
            except VeilsegError as error:
                said = None if error.message.isprintable() else "an error is not printable"
            except Exception as error:
                said = repr(error)
            if time.monotonic() > begun + _SECONDS:
                said = f"the client was held for {_SECONDS} s"
            if said is not None:
                findings.append(_found("responses", b"\n=====\n".join(script), said, kept))
    return cases, findings


@contextlib.contextmanager
def _bytes_server() -> Iterator[tuple[int, list[bytes]]]:
    """A server that reads a request and sends the bytes that stand in the list, one after the other, whatever comes."""
    script: list[bytes] = []

    def serve(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.settimeout(0.2)  # then the client waits for more than there is
            for data in script:
                with contextlib.suppress(TimeoutError):
                    connection.recv(1 << 16)
                connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(1 << 16):
                pass

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=serve, args=(listening.accept()[0],), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=accept, daemon=True).start()
        yield listening.getsockname()[1], script
        listening.shutdown(socket.SHUT_RDWR)


def _found(name: str, data: bytes, said: str, kept: Path) -> str:
    file = kept / f"{name}-{abs(hash(data)):x}"
    file.write_bytes(data)
    return f"{said}: {file.name}"


#: By the name on the command line.
TRAFFIC: dict[str, Callable[[int, int, Path], tuple[int, list[str]]]] = {"requests": requests, "responses": responses}
