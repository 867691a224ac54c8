"""The edges of HTTP and TLS: silent handshakes, pages of other sites, heads of all lengths, one client of many."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import socket
import ssl
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.server.test_serve import certificate
from tests.service import HTTP, SOURCE, Service, encrypted, limited, running
from veilseg.server.tokens import TokenFile


def raw(service: Service, data: bytes) -> bytes:
    """The first bytes of what comes back for `data`."""
    with socket.create_connection(("127.0.0.1", service.port), timeout=60) as connection:
        connection.sendall(data)
        return connection.recv(65536)


def test_silent_handshakes_count_and_end(model: Path, tmp_path: Path) -> None:
    cert, key = certificate(tmp_path)
    files = f"tls_certificate={str(cert)!r}, tls_key={str(key)!r}"
    context = ssl.create_default_context(cafile=str(cert))
    with limited(tmp_path, model, "connections=20, head_timeout=10.0", settings=files, tls=True) as service:

        def ready() -> bool:
            with contextlib.suppress(httpx.TransportError):
                return httpx.get(f"{service.url}/readyz", verify=context).status_code == 200
            return False

        service.until(ready)
        begun = time.monotonic()
        silent = [socket.create_connection(("127.0.0.1", service.port)) for _ in range(200)]
        for connection in silent[::3]:
            connection.send(b"\x16\x03\x01\x02\x00")  # a hello that does not go on
        service.until(lambda: sum(map(is_closed, silent)) >= 180)  # those beyond the limit, at once
        assert time.monotonic() - begun < 10
        assert open_sockets(service) < 60
        service.until(ready)  # the others when their time is up
        assert time.monotonic() - begun < 50
        for connection in silent:
            connection.settimeout(30)
            with contextlib.suppress(ConnectionResetError):
                assert connection.recv(100) == b""
            connection.close()


def is_closed(connection: socket.socket) -> bool:
    """Whether the other side has closed it."""
    try:
        return connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
    except BlockingIOError:
        return False
    except ConnectionResetError:
        return True


def open_sockets(service: Service) -> int:
    found = 0
    for file in Path(f"/proc/{service.process.pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # it was closed meanwhile
            found += str(file.readlink()).startswith("socket:")
    return found


def test_connections_need_descriptors(model: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-P", "-m", "veilseg.cli.main", "serve", str(model), "--port", "0"]
    done = subprocess.run(
        command,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": SOURCE},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (300, 300)),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 2
    assert "512 connections need 612 open files, and 300 are allowed here" in done.stderr


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors"}, 403),
        ({"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "no-cors"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}, 403),  # a form that another page sends
        ({"Origin": "https://elsewhere.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://127.0.0.1:1"}, 403),
        ({"Origin": "http://[::1"}, 403),
        ({"Origin": "HERE"}, 200),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "HERE"}, 200),
        ({"Sec-Fetch-Site": "none"}, 200),
        ({}, 200),
    ],
)
def test_pages_of_other_sites_are_refused(service: Service, headers: dict[str, str], status: int) -> None:
    here = {name: value.replace("HERE", service.url) for name, value in headers.items()}
    answer = service.post(encrypted(), headers=here)
    assert answer.status_code == status
    if status == 403:
        assert answer.json()["error"]["code"] == "cross_site"


def test_a_link_from_another_site_leads_here(service: Service) -> None:
    headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert HTTP.get(f"{service.url}/", headers=headers).status_code == 200


@pytest.mark.parametrize("path", ["/v1/model/", "/healthz/", "/v1/segment/", "/metrics/", "//healthz"])
def test_a_trailing_slash_is_another_place(service: Service, path: str) -> None:
    answer = HTTP.get(service.url + path, headers={"Host": "localhost"})
    assert answer.status_code == 404
    assert "location" not in answer.headers


def test_two_lengths_are_none(service: Service) -> None:
    head = b"POST /v1/segment HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: image/png\r\n"
    both = head + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"
    assert raw(service, both).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize("parts", [1, 20, 100])
def test_a_long_head_is_refused(service: Service, parts: int) -> None:
    for size, good in ((15 << 10, True), (17 << 10, False), (120 << 10, False)):
        lines = b"".join(b"X-%d: %s\r\n" % (part, b"a" * (size // parts - 10)) for part in range(parts))
        answer = raw(service, b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n" + lines + b"\r\n")
        assert answer.startswith(b"HTTP/1.1 200 ") is good, answer[:100]
        assert good or answer[9:10] == b"4"


def test_one_client_leaves_room_for_others(model: Path, tmp_path: Path) -> None:
    tokens = TokenFile(tmp_path / "tokens.json")
    greedy, modest = ({"Authorization": f"Bearer {tokens.add(name)}"} for name in ("greedy", "modest"))
    arguments = ("--tokens", str(tokens.path), "--queue", "8", "--batch", "1", "--timeout", "300")
    with running(tmp_path, str(model), *arguments) as service, ThreadPoolExecutor(20) as pool:
        worker = service.worker
        os.kill(worker, signal.SIGSTOP)
        try:
            many = [pool.submit(service.post, encrypted(seed), headers=greedy) for seed in range(12)]
            service.until(lambda: sum(one.done() for one in many) >= 12 - 4 - 1)  # 1 is with the worker
            assert {one.result().status_code for one in many if one.done()} == {429}
            others = [pool.submit(service.post, encrypted(seed), headers=modest) for seed in range(3)]
            time.sleep(1)
            assert not any(one.done() for one in others)  # they wait, and are not refused
        finally:
            os.kill(worker, signal.SIGCONT)
        assert {one.result().status_code for one in others} == {200}
