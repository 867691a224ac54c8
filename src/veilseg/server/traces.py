"""One OpenTelemetry span a request, sent to a collector over OTLP; a span holds what a line of the log holds."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import urlsplit

from veilseg import __version__
from veilseg.errors import UsageError
from veilseg.install import install_hint

_TIMEOUT = 2.0  # seconds that a collector may take; its loss costs the service nothing but spans
_NAMES = {"method": "http.request.method", "route": "http.route", "status": "http.response.status_code"}


class Traces:
    """Where spans go. They wait in memory, a thousand or two, and are sent by a thread of the library's."""

    def __init__(self, url: str) -> None:
        """url: of the collector, such as http://127.0.0.1:4318/v1/traces. Raises UsageError without the packages."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise UsageError(f"{url!r} is no address of a collector", "http://127.0.0.1:4318/v1/traces")
        try:
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
            from opentelemetry.sdk.resources import Resource
            from opentelemetry.sdk.trace import TracerProvider
            from opentelemetry.sdk.trace.export import BatchSpanProcessor
            from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
        except ModuleNotFoundError as error:
            raise UsageError("traces need OpenTelemetry", install_hint("traces")) from error
        resource = Resource({"service.name": "veilseg", "service.version": __version__})
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        exporter = OTLPSpanExporter(endpoint=url, timeout=_TIMEOUT)
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("veilseg.server")
        self._propagator = TraceContextTextMapPropagator()

    def add(self, headers: list[tuple[bytes, bytes]], facts: dict[str, Any], seconds: float) -> None:
        """The span of a request that has just ended, below that of `traceparent` where the client sent one.

        facts: of the log's line, names to numbers and short texts.
        """
        from opentelemetry.trace import SpanKind, Status, StatusCode

        carrier = {name.decode("latin-1"): value.decode("latin-1") for name, value in headers if name == b"traceparent"}
        end = time.time_ns()
        span = self._tracer.start_span(
            f"{facts['method']} {facts['route']}",
            context=self._propagator.extract(carrier),
            kind=SpanKind.SERVER,
            attributes={_NAMES.get(name, f"veilseg.{name}"): value for name, value in facts.items()},
            start_time=end - round(1e9 * seconds),
        )
        if facts["status"] >= 500:
            span.set_status(Status(StatusCode.ERROR))
        span.end(end)

    def close(self) -> None:
        """Send what waits, for a few seconds at most."""
        self._provider.shutdown()
