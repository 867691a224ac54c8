"""Connections with the limits that uvicorn lacks: on their number, the time for a head, and the time to read."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from functools import partial
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

from veilseg.server.errors import unavailable
from veilseg.server.settings import Limits


def guarded(limits: Limits) -> Any:
    """What uvicorn makes connections with (`http` of its Config)."""
    return partial(GuardedConnection, limits, set())


class GuardedConnection(asyncio.Protocol):
    """uvicorn's protocol and two clocks around it: nothing but asyncio's own calls goes through.

    The application finds it as scope["state"]["connection"], and says there when a request begins and when it ends.
    `served`: the connections that are open, those that were refused left out.
    """

    def __init__(self, limits: Limits, served: set[GuardedConnection], **given: Any) -> None:
        self._limits, self._served = limits, served
        self._http: asyncio.Protocol = H11Protocol(**{**given, "app_state": {**given["app_state"], "connection": self}})
        self._requests = 0
        self._head_clock, self._read_clock = _Clock(), _Clock()

    def request_begins(self) -> None:
        """The head of a request is complete."""
        self._requests += 1
        self._head_clock.stop()

    def request_ends(self) -> None:
        """Its response was handed over."""
        self._requests -= 1

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._transport = transport
        # Writing counts as paused exactly while something waits that the client has not read. Not 0: under TLS an
        # empty buffer would be full.
        transport.set_write_buffer_limits(1)
        if len(self._served) < self._limits.connections:
            self._served.add(self)
            self._http.connection_made(transport)
            self._await_head()
        else:
            transport.write(_refusal())
            transport.close()

    def data_received(self, data: bytes) -> None:
        if self in self._served:
            self._http.data_received(data)
            if not self._requests:
                self._await_head()

    def eof_received(self) -> bool | None:
        return self._http.eof_received() if self in self._served else None

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_clock.stop()
        self._read_clock.stop()
        if self in self._served:
            self._served.remove(self)
            self._http.connection_lost(exc)

    def pause_writing(self) -> None:
        # Not close(), which waits until all is read.
        self._read_clock.start(self._limits.send_timeout, self._transport.abort)
        if self in self._served:
            self._http.pause_writing()

    def resume_writing(self) -> None:
        self._read_clock.stop()
        if self in self._served:
            self._http.resume_writing()

    def _await_head(self) -> None:
        self._head_clock.start(self._limits.head_timeout, self._transport.close)


class _Clock:
    """Does something after a while, unless it is stopped."""

    def __init__(self) -> None:
        self._handle: asyncio.TimerHandle | None = None

    def start(self, seconds: float, action: Callable[[], None]) -> None:
        """Run, unless it runs already."""
        if self._handle is None:
            self._handle = asyncio.get_running_loop().call_later(seconds, action)

    def stop(self) -> None:
        """Stand still until it is started again."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None


def _refusal() -> bytes:
    error = unavailable("too_many_connections", "The service has as many connections as it takes.")
    body = json.dumps(error.body("")).encode()
    return (
        b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nRetry-After: 1\r\n"
        b"Connection: close\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
    )
