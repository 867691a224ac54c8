"""What comes in: the body of a request within its limits of size, time and memory, as the files it holds."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect, Request

from veilseg.server.metrics import Metrics
from veilseg.server.problems import DISCARDED, Problem, not_for_us, unavailable
from veilseg.server.settings import Limits

PNG = "image/png"
MULTIPART = "multipart/form-data"
_TYPES_HINT = "send one encrypted image as image/png, or several as multipart/form-data with parts of type image/png"
_MAX_PART_HEAD = 2048


class Memory:
    """The bytes of all requests that the service holds; a request that would exceed the limit is refused."""

    def __init__(self, limit: int, metrics: Metrics) -> None:
        self._limit, self._held, self._gauge = limit, 0, metrics.held

    @contextmanager
    def held(self) -> Iterator[bytearray]:
        """A buffer whose bytes count while the block runs; grow it with `extend`."""
        buffer = bytearray()
        try:
            yield buffer
        finally:
            self._add(-len(buffer))

    def extend(self, buffer: bytearray, chunk: bytes) -> None:
        """Append to a buffer of `held`. Raises Problem 503 when all requests together hold too much."""
        if self._held + len(chunk) > self._limit:
            raise unavailable("busy", "The service holds as many requests as its memory allows.")
        self._add(len(chunk))
        buffer += chunk

    def _add(self, count: int) -> None:
        self._held += count
        self._gauge.set(self._held)


def content_type(request: Request) -> tuple[str, bytes]:
    """("image/png", b"") or ("multipart/form-data", boundary). Raises Problem 415 for everything else."""
    raw_kind, options = parse_options_header(request.headers.get("content-type", ""))
    kind = raw_kind.decode("latin-1").lower()
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise _unsupported("bodies are not to be compressed")
    if kind == PNG:
        return PNG, b""
    boundary = options.get(b"boundary", b"")
    if kind == MULTIPART and 1 <= len(boundary) <= 70:
        return MULTIPART, boundary
    raise _unsupported(f"the content type {kind[:60] or 'of the body'!r} is not taken")


def _unsupported(message: str) -> Problem:
    return not_for_us(message, _TYPES_HINT, status=415, code="unsupported_type")


async def read_body(request: Request, buffer: bytearray, memory: Memory, limits: Limits) -> None:
    """The whole body into `buffer`. Raises Problem: 413 when it is too long, 408 when it comes too slowly, 503 when
    memory is short; ClientDisconnect when the client leaves.
    """
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > limits.body:
        await drain(request, limits)
        raise _too_long(limits.body)
    try:
        async with asyncio.timeout(limits.body_timeout):
            async for chunk in request.stream():
                if len(buffer) + len(chunk) > limits.body:
                    raise _too_long(limits.body)
                memory.extend(buffer, chunk)
    except TimeoutError as error:
        message = f"The body did not arrive within {limits.body_timeout:g} seconds. {DISCARDED}"
        raise Problem(408, "too_slow", message, "send it faster, or send smaller images") from error


async def drain(request: Request, limits: Limits) -> None:
    """Throw a body away, up to the limit and a few seconds: who is still sending would not read the answer."""
    left = limits.body
    try:
        async with asyncio.timeout(min(limits.body_timeout, 5.0)):
            async for chunk in request.stream():
                left -= len(chunk)
                if left < 0:
                    return
    except (TimeoutError, ClientDisconnect, RuntimeError):  # the last is Starlette's way to say: all was read already
        return


def _too_long(limit: int) -> Problem:
    message = f"The body is longer than {limit} bytes. {DISCARDED}"
    return Problem(413, "too_long", message, "send fewer or smaller images; GET /v1/model tells the limits")


def split_parts(body: bytes | bytearray, boundary: bytes, most: int) -> list[tuple[str, bytes]]:
    """The (name, content) of every part of a multipart body. Raises Problem 413 for more than `most` parts, 415 for
    parts that are no image/png, 422 when the body is not well formed.
    """
    reader = _Parts(most)
    try:
        parser = MultipartParser(boundary, reader.callbacks())
        parser.write(bytes(body))
        parser.finalize()
    except MultipartParseError as error:
        raise not_for_us("the multipart body is not well formed", _TYPES_HINT, code="bad_multipart") from error
    if not reader.finished or not reader.parts:
        raise not_for_us("the multipart body holds no image or no end", _TYPES_HINT, code="bad_multipart")
    return reader.parts


class _Parts:
    """Collects the parts that the parser reports."""

    def __init__(self, most: int) -> None:
        self.parts: list[tuple[str, bytes]] = []
        self.finished = False
        self._most = most

    def callbacks(self) -> Any:
        names = ("part_begin", "part_data", "part_end", "header_field", "header_value", "header_end", "end")
        return {f"on_{name}": getattr(self, f"_{name}") for name in names}

    def _part_begin(self) -> None:
        if len(self.parts) >= self._most:
            message = f"The request holds more than {self._most} images. All were discarded."
            raise Problem(413, "too_many", message, "send them in several requests")
        self._field, self._value, self._data = bytearray(), bytearray(), bytearray()
        self._headers: dict[bytes, bytes] = {}
        self._head = 0

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._grow(self._field, data[start:end])

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._grow(self._value, data[start:end])

    def _grow(self, target: bytearray, more: bytes) -> None:
        self._head += len(more)
        if self._head > _MAX_PART_HEAD:
            raise not_for_us("a part has too long a head", _TYPES_HINT, code="bad_multipart")
        target += more

    def _header_end(self) -> None:
        self._headers[bytes(self._field).lower()] = bytes(self._value)
        self._field, self._value = bytearray(), bytearray()

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        self._data += data[start:end]

    def _part_end(self) -> None:
        kind, _ = parse_options_header(self._headers.get(b"content-type", b""))
        if kind.lower() != PNG.encode():
            raise _unsupported("a part is not of the type image/png")
        _, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        self.parts.append((options.get(b"name", b"").decode("utf-8", "replace")[:80], bytes(self._data)))

    def _end(self) -> None:
        self.finished = True
