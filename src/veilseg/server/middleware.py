"""What surrounds every request: an id, a share of the memory, the headers that browsers obey, one line in the log."""

from __future__ import annotations

import logging
import secrets
import time
from typing import Any

from h11 import LocalProtocolError
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from veilseg.server.errors import RequestError
from veilseg.server.heads import refuse_head
from veilseg.server.logs import LOGGER
from veilseg.server.memory import Memory
from veilseg.server.metrics import Metrics
from veilseg.server.traces import Traces

#: The page may load and talk to nothing but this service: this is what keeps photographs in the browser.
_POLICY = (
    "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' blob:; media-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_CLOSE = {"Connection": "close"}
_NOT_LOGGED = ("/healthz", "/readyz", "/metrics", "/v2/health/live", "/v2/health/ready")
log = logging.getLogger(LOGGER)


class Surroundings:
    """ASGI middleware around the whole application. Nothing raised below gets past it: a bug is a JSON 500."""

    def __init__(
        self, app: ASGIApp, metrics: Metrics, memory: Memory, traces: Traces | None = None, *, open_to_all: bool
    ) -> None:
        self.app = app
        self._metrics, self._memory, self._traces = metrics, memory, traces
        self._open = open_to_all

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":

            async def send_quietly(message: Message) -> None:
                # Why a service cannot start is said by whoever started it, in a sentence, not as a traceback.
                await send({**message, "message": ""} if message["type"] == "lifespan.startup.failed" else message)

            await self.app(scope, receive, send_quietly)
            return
        start = time.monotonic()
        notes: dict[str, Any] = {"request_id": secrets.token_hex(8)}
        state = scope.setdefault("state", {})
        state["notes"], connection = notes, state.get("connection")
        if connection is not None:  # a GuardedConnection; Ray Serve has others
            connection.request_begins()
        status, sent = 0, 0

        async def send_noting(message: Message) -> None:
            nonlocal status, sent
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-Id"] = notes["request_id"]
                headers.setdefault("Cache-Control", "no-store")
                for name, value in (_HEADERS | _CLOSE if connection and connection.ending else _HEADERS).items():
                    headers[name] = value
            else:
                sent += len(message.get("body", b""))
                if not message.get("more_body"):
                    # uvicorn waits with the next piece until the client has read this one. So the request is over, and
                    # its memory counted as free, when the response has gone and not when it has been handed over.
                    await send({**message, "more_body": True})
                    message = {"type": "http.response.body"}
            await send(message)

        try:
            with self._memory.share() as state["share"]:
                refusal = refuse_head(scope, open_to_all=self._open)
                if refusal is not None:
                    notes["code"] = refusal.code
                    await refusal.response(notes["request_id"], scope["path"], _CLOSE)(scope, receive, send_noting)
                else:
                    await self.app(scope, receive, send_noting)
        except Exception as error:
            if isinstance(error, LocalProtocolError) and connection is not None and connection.no_http:
                notes["code"] = "no_http"
            else:
                log.error("bug", exc_info=True, extra=notes)
                if not status:
                    message, hint = "The service has a bug.", "report the request's id to whoever runs it"
                    bug = RequestError(500, "bug", message, hint)
                    await bug.response(notes["request_id"], scope["path"], _CLOSE)(scope, receive, send_noting)
        finally:
            if connection is not None:
                connection.request_ends()
            self._finish(scope, notes, status, sent, time.monotonic() - start)

    def _finish(self, scope: Scope, notes: dict[str, Any], status: int, sent: int, seconds: float) -> None:
        # The template of a known route or nothing: paths are written by strangers.
        route = getattr(scope.get("route"), "path", "other")
        if route not in _NOT_LOGGED:
            milliseconds = round(1000 * seconds, 1)
            method = scope["method"] if scope["method"] in ("GET", "HEAD", "POST", "OPTIONS") else "other"
            facts = {**notes, "method": method, "route": route, "status": status, "bytes_out": sent}
            log.info("request", extra={**facts, "milliseconds": milliseconds})
            if self._traces is not None:
                try:
                    self._traces.add(scope["headers"], facts, seconds)
                except Exception:
                    log.error("bug", exc_info=True, extra=notes)
        self._metrics.requests.labels(route, str(status)).inc()
        self._metrics.seconds.labels(route).observe(seconds)
        if code := notes.get("code"):
            self._metrics.refused.labels(code).inc()
