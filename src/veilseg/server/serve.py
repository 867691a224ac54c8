"""The service as a process: address and TLS checked, stopped so that what was accepted is done."""

from __future__ import annotations

import asyncio
import resource
import signal
import socket
import ssl
import time

import uvicorn

from veilseg.errors import UsageError, VeilsegError
from veilseg.modelfolder import find_model
from veilseg.server.app import create_app
from veilseg.server.connections import Connections
from veilseg.server.door import let_nobody_in
from veilseg.server.heads import MAX_HEAD
from veilseg.server.logs import json_lines
from veilseg.server.metrics import Metrics
from veilseg.server.settings import PREFIX, Settings, is_loopback
from veilseg.server.tokens import TokenFile
from veilseg.server.traces import Traces

_GRACE = 5  # seconds
_LAST_CALL = 1.0  # seconds
_OTHER_FILES = 100  # that a process has open beside its connections


def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT; then finish what was accepted, and return.

    Raises UsageError when other machines could reach the service without a token, VeilsegError when a model or the
    address cannot be had.
    """
    tls = check_start(settings)
    metrics = Metrics()
    traces = None if settings.traces is None else Traces(settings.traces, metrics)
    app = create_app(settings, metrics, traces)
    limits = settings.limits
    connections = Connections(limits, tls)
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        http=connections.protocol,
        loop="asyncio",  # uvloop, where it is installed, reads the beginning of a handshake before it can be given away
        ws="none",
        lifespan="on",
        h11_max_incomplete_event_size=MAX_HEAD,
        timeout_keep_alive=15,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
    )
    with json_lines(metrics):
        try:
            # uvicorn sends itself the signal again when all is done; a service that ended as asked has not failed.
            signal.signal(signal.SIGTERM, lambda *_: None)
            _Server(config, connections).run()
        except SystemExit as error:  # uvicorn's way to say that it could not start
            taken = VeilsegError(f"{settings.host} port {settings.port} cannot be had", "is another service there?")
            raise app.state.failure or taken from error
        finally:
            if traces is not None:
                traces.close()


class _Server(uvicorn.Server):
    """uvicorn's, but for the end: who was let in before it, and asks at once, gets a response."""

    def __init__(self, config: uvicorn.Config, connections: Connections) -> None:
        super().__init__(config)
        self._connections = connections

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        limits, begun = self._connections.limits, time.monotonic()
        self._connections.ending = True  # a response closes its connection
        for server in self.servers:
            for listening in server.sockets:
                let_nobody_in(listening)
        await asyncio.sleep(_LAST_CALL)  # for what is on its way: accepted, asked, taken in
        if self._connections.shaking_hands:
            while self._connections.shaking_hands:  # at most `head_timeout`
                await asyncio.sleep(0.05)
            await asyncio.sleep(_LAST_CALL)
        left = limits.timeout + limits.body_timeout + _GRACE - (time.monotonic() - begun)
        self.config.timeout_graceful_shutdown = max(1, int(left))
        await super().shutdown(sockets)


def check_start(settings: Settings) -> ssl.SSLContext | None:
    """Raise UsageError, before a model is loaded, for settings that cannot be served; else what TLS is made with.

    Other machines could reach the service without a token, the files for TLS cannot be used, or the process may not
    have as many connections as it is to take. InvalidModelError for a model that is not there.
    """
    _check_address(settings)
    for source in settings.models.values():
        find_model(source)
    _take_descriptors(settings.limits.connections)
    certificate, key = settings.tls_certificate, settings.tls_key
    if (certificate is None) != (key is None):
        raise UsageError("a certificate and its key belong together", "--tls-certificate FILE --tls-key FILE")
    if certificate is None or key is None:
        return None
    for file in (certificate, key):
        if not file.is_file():
            raise UsageError(f"{file} does not exist", "a PEM file is needed")
    try:
        # The password is for keys that need one: nobody is there to type it when a service starts again.
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.set_alpn_protocols(["http/1.1"])
        context.load_cert_chain(certificate, key, password="")
    except (OSError, ValueError) as error:
        hint = "PEM files that belong together, the key without a password"
        raise UsageError(f"{certificate} and {key} are no certificate and its key", hint) from error
    return context


def _take_descriptors(connections: int) -> None:
    """Allow this process the files that its connections need, or raise UsageError where the system does not."""
    wanted = connections + _OTHER_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < wanted <= hard or (soft < wanted and hard == resource.RLIM_INFINITY):
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    elif soft < wanted:
        hint = f"raise the limit (ulimit -n), or lower {PREFIX}CONNECTIONS"
        raise UsageError(f"{connections} connections need {wanted} open files, and {hard} are allowed here", hint)


def _check_address(settings: Settings) -> None:
    """Raise UsageError unless only this machine can reach the address, or clients need a token."""
    if is_loopback(settings.host):
        return
    if settings.tokens is None:
        hint = "veilseg token add NAME --file tokens.json, then veilseg serve --tokens tokens.json"
        raise UsageError(f"at {settings.host} other machines could use the service, so clients need tokens", hint)
    if not TokenFile(settings.tokens).clients():
        raise UsageError(f"{settings.tokens.name} holds no token", "make one with `veilseg token add NAME`")
