"""One OpenTelemetry span a request, sent to a collector over OTLP; a span holds what a line of the log holds."""

from __future__ import annotations

import threading
import time
from typing import Any
from urllib.parse import urlsplit

from veilseg import __version__
from veilseg.errors import UsageError
from veilseg.install import install_hint
from veilseg.server.metrics import Metrics

_TIMEOUT = 2.0  # seconds that a collector may take; its loss costs the service nothing but spans
_LAST_SPANS = 3.0  # seconds
_SIZES = {"max_queue_size": 2048, "max_export_batch_size": 512, "schedule_delay_millis": 5000.0}
_NAMES = {"method": "http.request.method", "route": "http.route", "status": "http.response.status_code"}
_REFUSED = ("OpenTelemetry refuses its settings", "look at the variables OTEL_...")
_EXAMPLE = "http://127.0.0.1:4318/v1/traces"


class Traces:
    """Where spans go. They wait in memory and are sent by a thread of the library's; lost ones are counted.

    Neither a proxy nor a password of the environment (HTTP_PROXY, .netrc) is used.
    """

    def __init__(self, url: str, metrics: Metrics) -> None:
        """url: of the collector, such as http://127.0.0.1:4318/v1/traces.

        Raises UsageError for another address, without the packages, and for OTEL_ variables that the library refuses.
        """
        _check(url)
        try:
            import requests
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
            from opentelemetry.sdk.resources import Resource
            from opentelemetry.sdk.trace import TracerProvider
            from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExportResult
            from opentelemetry.sdk.trace.sampling import ALWAYS_ON
            from opentelemetry.trace import SpanKind, Status, StatusCode
            from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
        except ModuleNotFoundError as error:
            raise UsageError("traces need OpenTelemetry", install_hint("traces")) from error
        except ValueError as error:  # it reads variables as it is imported
            raise UsageError(*_REFUSED) from error

        class Exporter(OTLPSpanExporter):
            def export(self, spans: Any) -> SpanExportResult:
                result = super().export(spans)
                if result is not SpanExportResult.SUCCESS:
                    metrics.spans_lost.inc(len(spans))
                return result

        session = requests.Session()
        session.trust_env = False
        try:
            resource = Resource({"service.name": "veilseg", "service.version": __version__})
            self._provider = TracerProvider(sampler=ALWAYS_ON, resource=resource, shutdown_on_exit=False)
            exporter = Exporter(endpoint=url, timeout=_TIMEOUT, session=session)
            self._provider.add_span_processor(BatchSpanProcessor(exporter, **_SIZES))  # type: ignore[arg-type]
        except (ValueError, RuntimeError) as error:
            raise UsageError(*_REFUSED) from error
        self._tracer = self._provider.get_tracer("veilseg.server")
        self._context = TraceContextTextMapPropagator().extract
        self._kind, self._failed = SpanKind.SERVER, Status(StatusCode.ERROR)

    def add(self, headers: list[tuple[bytes, bytes]], facts: dict[str, Any], seconds: float) -> None:
        """The span of a request that has just ended, below that of `traceparent` where the client sent one.

        facts: of the log's line, names to numbers and short texts.
        """
        carrier = {name.decode("latin-1"): value.decode("latin-1") for name, value in headers if name == b"traceparent"}
        end = time.time_ns()
        span = self._tracer.start_span(
            f"{facts['method']} {facts['route']}",
            context=self._context(carrier),
            kind=self._kind,
            attributes={_NAMES.get(name, f"veilseg.{name}"): value for name, value in facts.items()},
            start_time=end - round(1e9 * seconds),
        )
        if facts["status"] >= 500:
            span.set_status(self._failed)
        span.end(end)

    def close(self) -> None:
        """Send what waits, for a few seconds at most."""
        last = threading.Thread(target=self._provider.shutdown, daemon=True, name="last spans")
        last.start()
        last.join(_LAST_SPANS)


def _check(url: str) -> None:
    try:
        parts = urlsplit(url)
        # A port that is none raises ValueError, as a bracket without its other does.
        whole = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0 and parts.path.strip("/")
    except ValueError:
        whole = False
    if not whole:
        raise UsageError(f"{url!r} is no address of a collector", f"with its path, as {_EXAMPLE}")
