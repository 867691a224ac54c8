"""The bytes that requests hold, counted, so that no number of clients can fill the machine's memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from veilseg.server.errors import DISCARDED, RequestError, unavailable
from veilseg.server.metrics import Metrics

#: What an accepted image will still need: its label map, the response made of it, a copy while responses are joined.
BYTES_PER_PIXEL = 3


class Memory:
    """The shares of all requests that the service works on, together at most `limit` bytes."""

    def __init__(self, limit: int, metrics: Metrics) -> None:
        self.limit, self.held, self._gauge = limit, 0, metrics.held

    @contextmanager
    def share(self) -> Iterator[Share]:
        """The share of one request; the block ends when the client has read the response, or has left."""
        share = Share(self)
        try:
            yield share
        finally:
            self.add(-share.held)

    def add(self, count: int) -> None:
        """Note that `count` bytes more are held."""
        self.held += count
        self._gauge.set(self.held)


class Share:
    """What one request holds: the bytes of its body that have come, then also BYTES_PER_PIXEL of its images."""

    def __init__(self, memory: Memory) -> None:
        self.held = 0
        self._memory = memory

    def take(self, count: int) -> None:
        """Hold `count` bytes more. RequestError 413 when this request alone exceeds the limit, 503 when all do."""
        limit = self._memory.limit
        if self.held + count > limit:
            message = f"The request would need more than {limit} bytes of memory. {DISCARDED}"
            raise RequestError(413, "too_much", message, "send fewer images at a time")
        if self._memory.held + count > limit:
            raise unavailable("busy", "The service holds as many requests as its memory allows.")
        self.held += count
        self._memory.add(count)
