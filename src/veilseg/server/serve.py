"""The service as a process: address and TLS checked, stopped so that what was accepted is done."""

from __future__ import annotations

import signal
import ssl

import uvicorn

from veilseg.errors import UsageError, VeilsegError
from veilseg.server.app import create_app
from veilseg.server.connections import guarded
from veilseg.server.logs import json_lines
from veilseg.server.metrics import Metrics
from veilseg.server.settings import Settings, is_loopback
from veilseg.server.tokens import TokenFile

_MAX_HEAD = 16 << 10
_GRACE = 5


def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT; then finish what was accepted, and return.

    Raises UsageError when other machines could reach the service without a token, VeilsegError when a model or the
    address cannot be had.
    """
    check_start(settings)
    metrics = Metrics()
    app = create_app(settings, metrics)
    limits = settings.limits
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
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
        ssl_certfile=settings.tls_certificate,
        ssl_keyfile=settings.tls_key,
    )
    with json_lines(metrics):
        try:
            # uvicorn sends itself the signal again when all is done; a service that ended as asked has not failed.
            signal.signal(signal.SIGTERM, lambda *_: None)
            uvicorn.Server(config).run()
        except SystemExit as error:  # uvicorn's way to say that it could not start
            taken = VeilsegError(f"{settings.host} port {settings.port} cannot be had", "is another service there?")
            raise app.state.failure or taken from error


def check_start(settings: Settings) -> None:
    """Raise UsageError, before a model is loaded, for settings that cannot be served.

    Other machines could reach the service without a token, or the files for TLS cannot be used.
    """
    _check_address(settings)
    certificate, key = settings.tls_certificate, settings.tls_key
    if (certificate is None) != (key is None):
        raise UsageError("a certificate and its key belong together", "--tls-certificate FILE --tls-key FILE")
    if certificate is None or key is None:
        return
    for file in (certificate, key):
        if not file.is_file():
            raise UsageError(f"{file} does not exist", "a PEM file is needed")
    try:
        # The password is for keys that need one: nobody is there to type it when a service starts again.
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(certificate, key, password="")
    except (OSError, ValueError) as error:
        hint = "PEM files that belong together, the key without a password"
        raise UsageError(f"{certificate} and {key} are no certificate and its key", hint) from error


def _check_address(settings: Settings) -> None:
    """Raise UsageError unless only this machine can reach the address, or clients need a token."""
    if is_loopback(settings.host):
        return
    if settings.tokens is None:
        hint = "veilseg token add NAME --file tokens.json, then veilseg serve --tokens tokens.json"
        raise UsageError(f"at {settings.host} other machines could use the service, so clients need tokens", hint)
    if not TokenFile(settings.tokens).clients():
        raise UsageError(f"{settings.tokens.name} holds no token", "make one with `veilseg token add NAME`")
