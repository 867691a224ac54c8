"""One JSON line per request on stderr. What a line may hold is listed here; no image, key or token can get in."""

from __future__ import annotations

import json
import logging
import queue
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from logging.handlers import QueueHandler, QueueListener
from typing import TextIO

from veilseg.server.metrics import Metrics

LOGGER = "veilseg.server"
_FIELDS = (
    "request_id", "client", "method", "route", "status", "code", "model", "images", "pixels", "bytes_in", "bytes_out",
    "milliseconds",
)  # fmt: skip
_OWN = (LOGGER, "uvicorn")
_WAITING_LINES = 10_000


class _Json(logging.Formatter):
    """time, level, event, and those of _FIELDS that the record has.

    Exceptions as where and what kind: no messages, which may quote what came in.
    """

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            # The messages of libraries quote objects and bytes, and with them what came in.
            "event": record.getMessage() if record.name.startswith(_OWN) else record.name,
        }
        line.update({name: getattr(record, name) for name in _FIELDS if getattr(record, name, None) is not None})
        if record.exc_info and record.exc_info[0] is not None:
            frames = traceback.extract_tb(record.exc_info[2])[-8:]
            line["exception"] = record.exc_info[0].__name__
            line["at"] = [f"{frame.filename.rpartition('/')[2]}:{frame.lineno}" for frame in frames]
        return json.dumps(line, ensure_ascii=True)


class _Stream(logging.StreamHandler[TextIO]):
    """Writes lines; one that cannot be written (a full disk, a closed pipe) is counted and forgotten."""

    def __init__(self, stream: TextIO, metrics: Metrics) -> None:
        super().__init__(stream)
        self._metrics = metrics

    def handleError(self, record: logging.LogRecord) -> None:
        self._metrics.lost_lines.inc()


class _Queue(QueueHandler):
    """Hands lines to the thread that writes them, so that a slow disk never holds up a request."""

    def __init__(self, lines: queue.Queue[logging.LogRecord], metrics: Metrics) -> None:
        super().__init__(lines)
        self._metrics = metrics

    def prepare(self, record: logging.LogRecord) -> logging.LogRecord:
        return record

    def handleError(self, record: logging.LogRecord) -> None:
        self._metrics.lost_lines.inc()


@contextmanager
def json_lines(metrics: Metrics) -> Iterator[None]:
    """While the block runs, what the service, uvicorn and any library logs goes to stderr as JSON lines.

    At its end, those that still wait are written.
    """
    lines: queue.Queue[logging.LogRecord] = queue.Queue(_WAITING_LINES)
    writer = _Stream(sys.stderr, metrics)
    writer.setFormatter(_Json())
    for name in _OWN:
        logging.getLogger(name).setLevel(logging.INFO)
    listener, handler = QueueListener(lines, writer), _Queue(lines, metrics)
    logging.getLogger().addHandler(handler)
    listener.start()
    try:
        yield
    finally:
        listener.stop()
        logging.getLogger().removeHandler(handler)
