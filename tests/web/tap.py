"""A wire between the browser and the service that keeps what the browser sends: every byte, whatever the page shows."""

from __future__ import annotations

import re
import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import NamedTuple


class Request(NamedTuple):
    """One request: its first line and headers, and its body, as they came."""

    head: bytes
    body: bytes

    @property
    def sends_image(self) -> bool:
        return self.head.startswith(b"POST /v1/segment")


class Tap(socketserver.ThreadingTCPServer):
    """Passes connections on to `port` on this machine."""

    daemon_threads = True

    def __init__(self, port: int) -> None:
        super().__init__(("127.0.0.1", 0), _Relay)
        self.behind = port
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.heard: list[bytearray] = []

    def everything(self) -> bytes:
        return b"\n".join(bytes(one) for one in self.heard)

    def requests(self) -> list[Request]:
        """The requests so far, connection by connection; none may be cut."""
        found = []
        for one in self.heard:
            rest = bytes(one)
            while rest:
                head, _, rest = rest.partition(b"\r\n\r\n")
                length = re.search(rb"\r\ncontent-length: (\d+)", head, re.IGNORECASE)
                size = int(length[1]) if length else 0
                assert len(rest) >= size
                found.append(Request(head, rest[:size]))
                rest = rest[size:]
        return found

    def image(self) -> Request:
        """The only image that was sent."""
        (found,) = [request for request in self.requests() if request.sends_image]
        return found


class _Relay(socketserver.BaseRequestHandler):
    server: Tap

    def handle(self) -> None:
        heard = bytearray()
        self.server.heard.append(heard)
        with socket.create_connection(("127.0.0.1", self.server.behind)) as onward, suppress(OSError):
            responses = threading.Thread(target=_pass_on, args=(onward, self.request), daemon=True)
            responses.start()
            while part := self.request.recv(1 << 16):
                heard += part
                onward.sendall(part)
            onward.shutdown(socket.SHUT_WR)
            responses.join()


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while part := source.recv(1 << 16):
            target.sendall(part)
        target.shutdown(socket.SHUT_WR)


@contextmanager
def tapped(port: int) -> Iterator[Tap]:
    """A running tap before that port."""
    with Tap(port) as tap:
        thread = threading.Thread(target=tap.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        yield tap
        tap.shutdown()
