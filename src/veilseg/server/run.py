"""The service as a process: address and TLS checked, connections guarded, stopped so that what was accepted is done."""

from __future__ import annotations

import asyncio
import json
import signal
import ssl
from pathlib import Path

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from veilseg.errors import UsageError, VeilsegError
from veilseg.server.app import create_app
from veilseg.server.logs import json_lines
from veilseg.server.metrics import Metrics
from veilseg.server.problems import unavailable
from veilseg.server.settings import Limits, Settings, is_loopback
from veilseg.server.tokens import TokenFile

_MAX_HEAD = 16 << 10
_GRACE = 5


def serve(settings: Settings, host: str, port: int, certificate: Path | None = None, key: Path | None = None) -> None:
    """Serve until SIGTERM or SIGINT; then finish what was accepted, and return.

    `certificate` and `key`: PEM files for TLS. Raises UsageError when other machines could reach the service without
    a token, VeilsegError when a model or the address cannot be had.
    """
    check_address(settings, host)
    if (certificate is None) != (key is None):
        raise UsageError("a certificate and its key belong together", "--tls-certificate FILE --tls-key FILE")
    for file in (certificate, key):
        if file is not None and not file.is_file():
            raise UsageError(f"{file} does not exist", "a PEM file is needed")
    _check_pem(certificate, key)
    metrics = Metrics()
    app = create_app(settings, metrics)
    limits = settings.limits
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        http=guarded(limits),
        ws="none",
        lifespan="on",
        h11_max_incomplete_event_size=_MAX_HEAD,
        timeout_keep_alive=15,
        timeout_graceful_shutdown=int(limits.timeout + limits.body_timeout) + _GRACE,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        ssl_certfile=certificate,
        ssl_keyfile=key,
    )
    with json_lines(metrics):
        try:
            # uvicorn sends itself the signal again when all is done; a service that ended as asked has not failed.
            signal.signal(signal.SIGTERM, lambda *_: None)
            uvicorn.Server(config).run()
        except SystemExit as error:  # uvicorn's way to say that it could not start
            failure = app.state.failure or VeilsegError(
                f"{host} port {port} cannot be had", "is another service there?"
            )
            raise failure from error


def _check_pem(certificate: Path | None, key: Path | None) -> None:
    """Raise UsageError, before a model is loaded, when the files for TLS cannot be used."""
    if certificate is None or key is None:
        return
    try:
        # The password is for keys that need one: nobody is there to type it when a service starts again.
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(certificate, key, password="")
    except (OSError, ValueError) as error:
        hint = "PEM files that belong together, the key without a password"
        raise UsageError(f"{certificate} and {key} are no certificate and its key", hint) from error


def check_address(settings: Settings, host: str) -> None:
    """Raise UsageError unless only this machine can reach `host`, or clients need a token."""
    if is_loopback(host):
        return
    if settings.tokens is None:
        hint = "veilseg token add NAME --file tokens.json, then veilseg serve --tokens tokens.json"
        raise UsageError(f"at {host} other machines could use the service, so clients need tokens", hint)
    if not TokenFile(settings.tokens).clients():
        raise UsageError(f"{settings.tokens.name} holds no token", "make one with `veilseg token add NAME`")


def guarded(limits: Limits) -> type[H11Protocol]:
    """uvicorn's HTTP protocol with the limits that it lacks: the time for a head, the time until an answer is read, the
    number of connections.
    """

    class Guarded(H11Protocol):
        _head_timer: asyncio.TimerHandle | None = None
        _answer_timer: asyncio.TimerHandle | None = None

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            # Writing counts as paused exactly while something waits that the client has not read. Not 0: under TLS an
            # empty buffer would be full.
            transport.set_write_buffer_limits(1)
            if len(self.connections) > limits.connections:
                problem = unavailable("too_many_connections", "The service has as many connections as it takes.")
                body = json.dumps(problem.body("")).encode()
                transport.write(
                    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nRetry-After: 1\r\n"
                    b"Connection: close\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
                )
                transport.close()
            self._watch_head()

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            self._watch_head()

        def connection_lost(self, exc: Exception | None) -> None:
            super().connection_lost(exc)
            self._stop_watching()
            if self._answer_timer is not None:
                self._answer_timer.cancel()

        def pause_writing(self) -> None:
            super().pause_writing()
            # Not close(), which waits until all is read.
            self._answer_timer = self.loop.call_later(limits.send_timeout, self.transport.abort)

        def resume_writing(self) -> None:
            super().resume_writing()
            if self._answer_timer is not None:
                self._answer_timer.cancel()

        def _watch_head(self) -> None:
            """Run the clock exactly while the head of a request is incomplete."""
            if self.conn.their_state is not h11.IDLE:
                self._stop_watching()
            elif self._head_timer is None:
                self._head_timer = self.loop.call_later(limits.head_timeout, self.transport.close)

        def _stop_watching(self) -> None:
            if self._head_timer is not None:
                self._head_timer.cancel()
                self._head_timer = None

    return Guarded
