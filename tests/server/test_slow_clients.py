"""Clients that leave, dawdle, do not read, or are too many: they are cut off, and others are served meanwhile."""

from __future__ import annotations

import os
import signal
import socket
from pathlib import Path

from tests.service import Service, encrypted, limited


def test_work_of_clients_that_left_is_dropped(held: Service) -> None:
    left, taken = held.metric("veilseg_clients_left_total"), held.taken()
    connections = []
    for index in range(4):
        body = encrypted(index)
        connection = socket.create_connection(("127.0.0.1", held.port))
        connection.sendall(request_head(len(body)) + body)
        connections.append(connection)
        held.until(lambda count=index + 1: held.taken() == taken + count)
    for connection in connections:
        connection.close()
    held.until(lambda: held.metric("veilseg_clients_left_total") == left + 4)
    before = {name: held.metric(name) for name in ("veilseg_dropped_total", "veilseg_batch_images_sum")}
    os.kill(held.worker, signal.SIGCONT)
    assert held.post(encrypted()).status_code == 200
    dropped, computed = (held.metric(name) - count for name, count in before.items())
    assert dropped >= 2  # the others were with the worker already
    assert dropped + computed == 5


def request_head(length: int) -> bytes:
    return (
        b"POST /v1/segment HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: image/png\r\n"
        b"Content-Length: %d\r\n\r\n" % length
    )


def test_a_byte_a_second_holds_nobody_up(model: Path, tmp_path: Path) -> None:
    """Heads and bodies that drip: both are cut off, and others are served meanwhile."""
    body = encrypted()  # not while a connection is open: that may take longer than a head
    with (
        limited(tmp_path, model, "head_timeout=1.0, body_timeout=1.5") as service,
        socket.create_connection(("127.0.0.1", service.port)) as slow_head,
        socket.create_connection(("127.0.0.1", service.port)) as slow_body,
    ):
        slow_body.sendall(request_head(len(body)) + body[:10])
        for index in range(2):
            slow_head.sendall(b"GET / HTTP/1.1"[index : index + 1])
            slow_body.sendall(body[10 + index : 11 + index])
            assert service.post(body).status_code == 200
        answer = slow_body.recv(4096)
        assert b" 408 " in answer.split(b"\r\n")[0]
        slow_head.settimeout(30)
        assert slow_head.recv(100) == b""  # closed


def test_a_client_that_does_not_read_its_answers_is_cut_off(model: Path, tmp_path: Path) -> None:
    with limited(tmp_path, model, "send_timeout=1.0") as service:
        stuck = socket.socket()
        stuck.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        stuck.connect(("127.0.0.1", service.port))
        stuck.sendall(b"GET /app.js HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" * 1500)  # more than the system buffers

        def is_cut_off() -> bool:
            try:
                stuck.send(b"G", socket.MSG_DONTWAIT)
            except BlockingIOError:
                return False
            except (BrokenPipeError, ConnectionResetError):
                return True
            return False

        service.until(is_cut_off)
        stuck.close()
        assert service.post(encrypted()).status_code == 200


def test_connections_beyond_the_limit_are_told_so(model: Path, tmp_path: Path) -> None:
    with limited(tmp_path, model, "connections=3") as service:
        idle = [socket.create_connection(("127.0.0.1", service.port)) for _ in range(3)]
        more = socket.create_connection(("127.0.0.1", service.port))
        answer = more.recv(4096)
        assert b" 503 " in answer.split(b"\r\n")[0]
        assert b"Retry-After" in answer
        for connection in (*idle, more):
            connection.close()
        service.until(service.is_ready)
        assert service.post(encrypted()).status_code == 200
