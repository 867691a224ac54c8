"""Connections with the limits that uvicorn lacks: on their number, the time for a head, and the time to read.

TLS begins here and not in uvicorn, which hears of a connection when its handshake is done: limits count at accept.
"""

from __future__ import annotations

import asyncio
import json
import ssl
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from h11 import ERROR
from uvicorn.protocols.http.h11_impl import H11Protocol

from veilseg.server.errors import unavailable
from veilseg.server.settings import Limits


@dataclass(eq=False)
class Connections:
    """Those that are open, without those that were refused; and whether the service ends."""

    limits: Limits
    tls: ssl.SSLContext | None
    served: set[GuardedConnection] = field(default_factory=set)
    ending: bool = False

    @property
    def protocol(self) -> Any:
        """What uvicorn makes connections with (`http` of its Config)."""
        return partial(GuardedConnection, self)

    @property
    def shaking_hands(self) -> bool:
        """Whether a TLS handshake is under way somewhere."""
        return any(not connection.begun for connection in self.served)


class _Connection(H11Protocol):
    """uvicorn's protocol, but for the end: a head that has begun to arrive is waited for, by its clock."""

    def shutdown(self) -> None:
        if not self.conn.trailing_data[0]:
            super().shutdown()


class GuardedConnection(asyncio.Protocol):
    """uvicorn's protocol with two clocks around it: nothing but asyncio's own calls goes through.

    The application finds it as scope["state"]["connection"], says there when a request begins and when it ends, and
    asks whether the connection ends with the response.
    """

    def __init__(self, connections: Connections, **given: Any) -> None:
        self._connections, self._served = connections, connections.served
        self._limits, self._tls = connections.limits, connections.tls
        self._http: asyncio.Protocol = _Connection(**{**given, "app_state": {**given["app_state"], "connection": self}})
        self._requests = 0
        self.begun, self._early = False, bytearray()  # what comes between the handshake and `_begin`
        self._handshake: asyncio.Task[None] | None = None
        self._head_clock: asyncio.TimerHandle | None = None
        self._read_clock: asyncio.TimerHandle | None = None

    @property
    def ending(self) -> bool:
        """Whether this response is the connection's last: the service ends."""
        return self._connections.ending

    @property
    def no_http(self) -> bool:
        """Whether the client sent what is no HTTP: uvicorn has said 400, and nothing more can be sent."""
        return isinstance(self._http, _Connection) and self._http.conn.their_state is ERROR

    def request_begins(self) -> None:
        """The head of a request is complete."""
        self._requests += 1
        self._stop_head_clock()

    def request_ends(self) -> None:
        """Its response was handed over."""
        self._requests -= 1

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._loop, self._transport = asyncio.get_running_loop(), transport
        if len(self._served) < self._limits.connections:
            self._served.add(self)
            self._await_head()
            if self._tls is None:
                self._begin(transport)
            else:
                self._handshake = self._loop.create_task(self._secure(transport, self._tls))
        else:
            self._http = asyncio.Protocol()  # does nothing
            if self._tls is None:
                transport.write(_refusal())
            transport.close()

    async def _secure(self, transport: asyncio.Transport, tls: ssl.SSLContext) -> None:
        """Shake hands, within the time that a head has."""
        try:
            secured = await self._loop.start_tls(
                transport, self, tls, server_side=True, ssl_handshake_timeout=self._limits.head_timeout
            )
        except (OSError, TimeoutError):  # SSLError and resets among them
            secured = None
        if secured is None:
            transport.abort()
            self._forget()
        else:
            self._begin(secured)

    def _begin(self, transport: asyncio.Transport) -> None:
        self._transport, self.begun = transport, True
        # Writing counts as paused exactly while something waits that the client has not read. Not 0: under TLS an
        # empty buffer would be full.
        transport.set_write_buffer_limits(1)
        self._http.connection_made(transport)
        if self._early:
            self.data_received(bytes(self._early))
            self._early.clear()

    def data_received(self, data: bytes) -> None:
        if not self.begun:
            self._early += data
            return
        self._http.data_received(data)
        if not self._requests:
            self._await_head()

    def eof_received(self) -> bool | None:
        return self._http.eof_received() if self.begun else None

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget()
        if self._handshake is not None:
            self._handshake.cancel()
        if self.begun:
            self._http.connection_lost(exc)

    def _forget(self) -> None:
        self._served.discard(self)
        self._stop_head_clock()
        if self._read_clock is not None:
            self._read_clock.cancel()

    def pause_writing(self) -> None:
        # Not close(), which waits until all is read.
        self._read_clock = self._loop.call_later(self._limits.send_timeout, self._transport.abort)
        self._http.pause_writing()

    def resume_writing(self) -> None:
        if self._read_clock is not None:
            self._read_clock.cancel()
        self._http.resume_writing()

    def _await_head(self) -> None:
        if self._head_clock is None:
            self._head_clock = self._loop.call_later(self._limits.head_timeout, self._transport.close)

    def _stop_head_clock(self) -> None:
        if self._head_clock is not None:
            self._head_clock.cancel()
            self._head_clock = None


def _refusal() -> bytes:
    error = unavailable("too_many_connections", "The service has as many connections as it takes.")
    body = json.dumps(error.body("", "/"))
    return (
        "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nRetry-After: 1\r\nConnection: close\r\n"
        f"Content-Length: {len(body)}\r\n\r\n{body}"
    ).encode()
