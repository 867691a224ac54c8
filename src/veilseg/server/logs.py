"""One JSON line per request on stderr. What a line may hold is listed here; no image, key or token can get in."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import queue
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from logging.handlers import QueueHandler

from veilseg.server.metrics import Metrics

LOGGER = "veilseg.server"
_FIELDS = (
    "request_id", "client", "method", "route", "status", "code", "model", "images", "pixels", "bytes_in", "bytes_out",
    "milliseconds",
)  # fmt: skip
_OWN = (LOGGER, "uvicorn")
_WAITING_LINES = 10_000
_LAST_LINES = 2.0  # seconds


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


class _Writer(threading.Thread):
    """Takes lines from a queue and writes them; one that cannot be written (a full disk) is counted and forgotten.

    A daemon that holds no lock, neither of logging nor of sys.stderr: where nobody reads, write() never returns, and
    the process ends all the same.
    """

    def __init__(self, lines: queue.Queue[logging.LogRecord | None], metrics: Metrics) -> None:
        super().__init__(daemon=True, name="log")
        self._lines, self._metrics = lines, metrics
        self._format = _Json().format
        # Without a stderr its number may be a connection's.
        self._file = os.open(os.devnull, os.O_WRONLY) if sys.__stderr__ is None else sys.__stderr__.fileno()

    def run(self) -> None:
        while (record := self._lines.get()) is not None:
            try:
                line = memoryview(f"{self._format(record)}\n".encode())
                while line:
                    line = line[os.write(self._file, line) :]
            except Exception:
                self._metrics.lost_lines.inc()

    def finish(self) -> None:
        """Write what waits, for as long as somebody reads it within `_LAST_LINES` seconds."""
        end = time.monotonic() + _LAST_LINES
        with contextlib.suppress(queue.Full):
            self._lines.put(None, timeout=_LAST_LINES)
        self.join(max(0, end - time.monotonic()))


class _Queue(QueueHandler):
    """Hands lines to the thread that writes them, so that a slow disk never holds up a request."""

    def __init__(self, lines: queue.Queue[logging.LogRecord | None], metrics: Metrics) -> None:
        super().__init__(lines)
        self._metrics = metrics

    def prepare(self, record: logging.LogRecord) -> logging.LogRecord:
        return record

    def handleError(self, record: logging.LogRecord) -> None:
        self._metrics.lost_lines.inc()


@contextmanager
def json_lines(metrics: Metrics) -> Iterator[None]:
    """While the block runs, what the service, uvicorn and any library logs goes to stderr as JSON lines.

    At its end, those that still wait are written, if somebody reads them.
    """
    lines: queue.Queue[logging.LogRecord | None] = queue.Queue(_WAITING_LINES)
    writer, handler = _Writer(lines, metrics), _Queue(lines, metrics)
    for name in _OWN:
        logging.getLogger(name).setLevel(logging.INFO)
    logging.getLogger().addHandler(handler)
    writer.start()
    try:
        yield
    finally:
        logging.getLogger().removeHandler(handler)
        writer.finish()
