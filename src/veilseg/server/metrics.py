"""What the service counts, for Prometheus. Labels are models, routes and statuses: never clients' data."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

CONTENT_TYPE = CONTENT_TYPE_LATEST
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


class Metrics:
    """The counters of one service, in a registry of their own, so that several may live in one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        at = self.registry
        self.requests = Counter("veilseg_requests_total", "Requests answered", ["route", "status"], registry=at)
        self.seconds = Histogram(
            "veilseg_request_seconds", "From the first byte to the last", ["route"], buckets=_SECONDS, registry=at
        )
        self.refused = Counter("veilseg_refused_total", "Requests refused, by the error's code", ["code"], registry=at)
        self.spans_lost = Counter("veilseg_spans_lost_total", "Spans that no collector took", registry=at)
        self.left = Counter("veilseg_clients_left_total", "Clients that left before their response", registry=at)
        self.queue = Gauge("veilseg_queue_images", "Images that wait", ["model"], registry=at)
        self.waited = Histogram("veilseg_queue_seconds", "Time in the queue", ["model"], buckets=_SECONDS, registry=at)
        self.computed = Histogram(
            "veilseg_batch_seconds", "Time to compute a batch", ["model"], buckets=_SECONDS, registry=at
        )
        self.batches = Histogram(
            "veilseg_batch_images", "Images in a batch", ["model"], buckets=(1, 2, 4, 8, 16, 32), registry=at
        )
        self.dropped = Counter(
            "veilseg_dropped_total", "Images dropped because nobody waits for them", ["model"], registry=at
        )
        self.restarts = Counter(
            "veilseg_worker_restarts_total", "Workers that died and were replaced", ["model"], registry=at
        )
        self.lost_lines = Counter("veilseg_log_lines_lost_total", "Log lines that could not be written", registry=at)
        self.held = Gauge(
            "veilseg_request_bytes", "Bytes that requests hold: bodies, label maps, responses", registry=at
        )

    def text(self) -> bytes:
        """Everything in Prometheus' text format."""
        return generate_latest(self.registry)
