"""Spans for a collector: what they hold, whose they are, and that a collector that is not there costs nothing."""

from __future__ import annotations

import gzip
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.service import HTTP, SOURCE, Service, encrypted, running
from veilseg.cli.main import main

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@contextmanager
def collector() -> Iterator[tuple[str, list[Any]]]:
    """Its address, and the spans that have come."""
    spans: list[Any] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert "Authorization" not in self.headers
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                for scope in resource.scope_spans:
                    spans.extend(scope.spans)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Collector) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/v1/traces", spans
        server.shutdown()


def ended(service: Service) -> float:
    """Seconds from SIGTERM to the process's end."""
    begun = time.monotonic()
    service.process.terminate()
    assert service.process.wait(60) == 0
    return time.monotonic() - begun


def facts(span: Any) -> dict[str, Any]:
    return {
        pair.key: pair.value.string_value if pair.value.HasField("string_value") else pair.value.int_value
        for pair in span.attributes
    }


def test_a_span_holds_what_the_log_holds(model: Path, tmp_path: Path) -> None:
    """Sent straight to the collector, without a password, whatever the environment says of proxies and passwords."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password secret")
    environment = {"HTTP_PROXY": "http://127.0.0.1:9", "NETRC": str(netrc), "OTEL_TRACES_SAMPLER": "always_off"}
    with (
        collector() as (url, spans),
        running(tmp_path, str(model), "--traces", url, environment=environment) as service,
    ):
        begun = time.time_ns()
        answer = service.post(encrypted(), headers={"traceparent": f"00-{TRACE}-{PARENT}-00"})
        assert answer.status_code == 200
        assert HTTP.get(f"{service.url}/secret/path?of=somebody").status_code == 404
        assert HTTP.get(f"{service.url}/healthz").status_code == 200
        ended(service)
        first, second = sorted(spans, key=lambda span: span.start_time_unix_nano)
    assert first.name == "POST /v1/segment"
    assert (first.trace_id.hex(), first.parent_span_id.hex()) == (TRACE, PARENT)
    assert begun <= first.start_time_unix_nano < first.end_time_unix_nano <= time.time_ns()
    told = facts(first)
    assert (told["http.response.status_code"], told["veilseg.images"]) == (200, 1)
    assert told["veilseg.request_id"] == answer.headers["X-Request-Id"]
    assert second.name == "GET other"
    assert facts(second)["http.response.status_code"] == 404
    assert second.trace_id != first.trace_id
    assert "secret" not in str(spans)
    assert "somebody" not in str(spans)


def test_a_collector_that_is_not_there_holds_nothing_up(model: Path, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # it accepts and says nothing
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/v1/traces"
        with running(tmp_path, str(model), "--traces", url) as service:
            for _ in range(1200):
                assert HTTP.get(f"{service.url}/nowhere").status_code == 404
            begun = time.monotonic()
            ended(service)
            assert time.monotonic() - begun < 25  # three for the spans, two for clients; the machine may be busy
            assert '"event": "bug"' not in service.log.read_text()


def test_spans_that_nobody_takes_are_counted(model: Path, tmp_path: Path) -> None:
    with running(tmp_path, str(model), "--traces", "http://127.0.0.1:9/v1/traces") as service:
        assert service.post(encrypted()).status_code == 200
        service.until(lambda: service.metric("veilseg_spans_lost_total") == 1)


@pytest.mark.parametrize(
    "url",
    ["collector:4318", "ftp://a/b", "http://", "http://a:4318", "http://[::1", "http://a:x/v1", "http://a:99999/v1"],
)
def test_what_is_no_address(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "--traces", url, "--port", "0"]) == 2
    assert "no address of a collector" in capsys.readouterr().err


def test_settings_that_the_library_refuses_are_said(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-P",
        "-m",
        "veilseg.cli.main",
        "serve",
        "--traces",
        "http://127.0.0.1:9/v1",
        "--port",
        "0",
    ]
    environment = {**os.environ, "PYTHONPATH": SOURCE, "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "x"}
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("error: OpenTelemetry refuses its settings\n")


def test_ray_has_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "--traces", "http://127.0.0.1:4318/v1/traces", "--ray"]) == 2
    assert "without --ray" in capsys.readouterr().err
