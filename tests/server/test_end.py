"""The end of a service under load: what was let in gets its response, the rest is refused, in a stated time."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.server.test_serve import certificate
from tests.service import HTTP, SOURCE, Service, encrypted, limited, reserved_port, running
from veilseg.server.door import let_nobody_in

IMAGE = encrypted()
HEAD = b"POST /v1/segment HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: image/png\r\n"
REQUEST = HEAD + b"Content-Length: %d\r\n\r\n" % len(IMAGE) + IMAGE


class Load:
    """Threads that send a request per connection, again and again, until the service lets nobody in any more.

    What a request sent over an open connection came to is counted: its status, or the error in words. "late" is an
    error of a connection that did not ask at once, as this process had to wait: the end gives it a second, no more.
    """

    def __init__(self, service: Service, threads: int, context: ssl.SSLContext | None) -> None:
        self.outcomes: Counter[str] = Counter(refused=0)  # there before threads come to count it at once
        self._port, self._context = service.port, context
        self._threads = [threading.Thread(target=self._ask) for _ in range(threads)]
        for thread in self._threads:
            thread.start()

    def join(self) -> Counter[str]:
        for thread in self._threads:
            thread.join(120)
        return self.outcomes

    def _ask(self) -> None:
        while True:
            begun = time.monotonic()
            try:
                connection = socket.create_connection(("127.0.0.1", self._port), 60)
            except ConnectionRefusedError:
                self.outcomes["refused"] += 1
                return
            with connection:
                self.outcomes[self._respond(connection, begun)] += 1

    def _respond(self, connection: socket.socket, begun: float) -> str:
        sent: float | None = None
        try:
            with self._context.wrap_socket(connection) if self._context else connection as stream:
                stream.sendall(REQUEST)
                sent = time.monotonic()
                return status(stream)
        except (OSError, http.client.HTTPException) as error:
            return repr(error) if (sent or time.monotonic()) - begun < 0.7 else "late"


def status(stream: socket.socket) -> str:
    response = http.client.HTTPResponse(stream)
    response.begin()
    response.read()
    return str(response.status)


@pytest.mark.parametrize("tls", [False, True])
def test_no_connection_is_reset(model: Path, tmp_path: Path, tls: bool) -> None:
    arguments: tuple[str, ...] = ()
    context = None
    if tls:
        cert, key = certificate(tmp_path)
        arguments = ("--tls-certificate", str(cert), "--tls-key", str(key))
        context = ssl.create_default_context(cafile=cert)
        context.check_hostname = False
    with running(tmp_path, str(model), *arguments, "--queue", "8", tls=tls) as service:
        service.until(lambda: listens(service))
        load = Load(service, 32, context)
        service.until(lambda: load.outcomes["200"] > 30)
        service.process.send_signal(signal.SIGTERM)
        outcomes = load.join()
        assert set(outcomes) <= {"200", "429", "refused", "late"}, outcomes
        assert outcomes["refused"] == 32
        assert service.process.wait(60) == 0


def test_a_sandbox_without_filters_does_not_stop_the_end() -> None:
    closed = socket.socket()
    closed.close()
    let_nobody_in(closed)


def listens(service: Service) -> bool:
    try:
        socket.create_connection(("127.0.0.1", service.port)).close()
    except ConnectionRefusedError:
        return False
    return True


def test_whoever_is_connected_may_ask_once_more(model: Path, tmp_path: Path) -> None:
    """Connections that have not asked yet, that keep alive, and that are in the middle of a head or of a body."""
    for _ in range(5):
        with running(tmp_path, str(model)) as service, ExitStack() as opened:
            silent, kept, head, body = (
                opened.enter_context(socket.create_connection(("127.0.0.1", service.port), 60)) for _ in range(4)
            )
            kept.sendall(REQUEST)
            assert status(kept) == "200"
            head.sendall(REQUEST[:30])
            body.sendall(REQUEST[:-30])
            time.sleep(0.3)
            begun = time.monotonic()
            service.process.send_signal(signal.SIGTERM)
            time.sleep(0.3)
            for connection in (silent, kept):  # within the second that they have
                connection.sendall(REQUEST)
            if time.monotonic() - begun > 0.8:
                continue  # it may be over, as this process had to wait: once more
            for connection in (silent, kept):
                assert status(connection) == "200"
                assert connection.recv(1) == b""  # and no more
            time.sleep(1)
            for connection, rest in ((head, REQUEST[30:]), (body, REQUEST[-30:])):
                connection.sendall(rest)
                assert status(connection) == "200"
            assert service.process.wait(60) == 0
            return
    pytest.fail("this machine is too busy to ask within a second")


def test_an_idle_service_ends_at_once(model: Path, tmp_path: Path) -> None:
    with (
        limited(tmp_path, model, "head_timeout=300, timeout=300") as service,
        socket.create_connection(("127.0.0.1", service.port)),
    ):
        service.process.terminate()
        assert service.process.wait(60) == 0  # about two seconds; the machine may be busy


def test_a_hanging_worker_and_a_dripping_client_do_not_hold_up_the_end(model: Path, tmp_path: Path) -> None:
    with limited(tmp_path, model, "timeout=2, body_timeout=2") as service:
        os.kill(service.worker, signal.SIGSTOP)
        with socket.create_connection(("127.0.0.1", service.port), 60) as asked:
            asked.sendall(REQUEST)
            dripping = socket.create_connection(("127.0.0.1", service.port), 60)
            dripping.sendall(REQUEST[:-30])
            time.sleep(0.3)
            begun = time.monotonic()
            service.process.terminate()
            assert status(asked) in ("503", "504")
            assert status(dripping) == "408"
            assert service.process.wait(60) == 0
            assert time.monotonic() - begun < 2 + 2 + 5 + 20  # the last for a busy machine
            dripping.close()


def test_it_ends_when_nobody_reads_its_log(model: Path, tmp_path: Path) -> None:
    with reserved_port() as port:
        command = [sys.executable, "-P", "-m", "veilseg.cli.main", "serve", str(model), "--port", str(port)]
        process = subprocess.Popen(
            command, cwd=tmp_path, stderr=subprocess.PIPE, env={**os.environ, "PYTHONPATH": SOURCE}
        )
        service = Service(f"http://127.0.0.1:{port}", process, tmp_path)
        assert process.stderr is not None
        try:
            service.until(service.is_ready)
            for _ in range(400):  # some 250 bytes each, and a pipe holds 65,536
                assert HTTP.get(f"{service.url}/nowhere").status_code == 404
            assert service.post(IMAGE).status_code == 200
            process.terminate()
            assert process.wait(60) == 0
            assert len(process.stderr.read()) >= 60_000  # it was full, but for the ends of its pages
        finally:
            process.kill()
            process.wait()
            process.stderr.close()
