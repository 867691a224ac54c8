"""One JSON line per request on stderr. What a line may hold is listed here; no image, key or token can get in."""

from __future__ import annotations

import json
import logging
import queue
import sys
import traceback
from datetime import UTC, datetime
from logging.handlers import QueueHandler, QueueListener
from typing import TextIO

from veilseg.server.metrics import Metrics

LOGGER = "veilseg.server"
_FIELDS = (
    "request_id", "client", "method", "route", "status", "code", "model", "images", "pixels", "bytes_in", "bytes_out",
    "milliseconds",
)  # fmt: skip
_WAITING_LINES = 10_000


class _Json(logging.Formatter):
    """time, level, event, and those of _FIELDS that the record has. Exceptions as where and what kind: no messages,
    which may quote what came in.
    """

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            # asyncio's messages quote objects, and with them what came in.
            "event": "asyncio" if record.name == "asyncio" else record.getMessage(),
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


def start_logging(metrics: Metrics, stream: TextIO | None = None) -> QueueListener:
    """Send the logs of the service and of uvicorn to `stream` (default: stderr) as JSON lines; returns the listener,
    whose `stop` writes what still waits.
    """
    lines: queue.Queue[logging.LogRecord] = queue.Queue(_WAITING_LINES)
    writer = _Stream(sys.stderr if stream is None else stream, metrics)
    writer.setFormatter(_Json())
    for name in (LOGGER, "uvicorn", "uvicorn.error", "asyncio"):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [], False
        logger.setLevel(logging.INFO)
    for name in (LOGGER, "uvicorn", "asyncio"):
        logging.getLogger(name).addHandler(_Queue(lines, metrics))
    logging.getLogger("uvicorn.error").propagate = True
    listener = QueueListener(lines, writer)
    listener.start()
    return listener
