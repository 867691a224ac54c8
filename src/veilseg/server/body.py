"""What comes in: the body of a request within its limits of size, time and memory, as the files it holds."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect, Request

from veilseg.server.errors import DISCARDED, RequestError, not_for_us
from veilseg.server.memory import Share
from veilseg.server.settings import Limits

PNG = "image/png"
MULTIPART = "multipart/form-data"
_TYPES_HINT = "send one encrypted image as image/png, or several as multipart/form-data with parts of type image/png"
_MAX_PART_HEAD = 2048


async def read_images(request: Request, share: Share, limits: Limits) -> tuple[list[tuple[str, bytes]], bool]:
    """The (name, file) of every image of a request, and whether they came as a form. The body is counted in `share`.

    Raises RequestError: 408 when it comes too slowly, 413 when it is too long or has too many parts, 415 for other
    types, 422 for a form that is none, 503 when memory is short; ClientDisconnect when the client leaves.
    """
    kind, boundary = _content_type(request)
    if kind == MULTIPART:
        form = _Form(boundary, limits.images)
        await _read_body(request, share, limits, form.write)
        return form.images(), True
    return [("image", bytes(await read_whole(request, share, limits)))], False


async def read_whole(request: Request, share: Share, limits: Limits) -> bytearray:
    """The body as it is, whatever its type; counted and refused as in `read_images`."""
    _refuse_compressed(request)
    whole = bytearray()
    await _read_body(request, share, limits, whole.extend)
    return whole


def _refuse_compressed(request: Request) -> None:
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise _unsupported("bodies are not to be compressed")


def _content_type(request: Request) -> tuple[str, bytes]:
    """("image/png", b"") or ("multipart/form-data", boundary). Raises RequestError 415 for everything else."""
    raw_kind, options = parse_options_header(request.headers.get("content-type", ""))
    kind = raw_kind.decode("latin-1").lower()
    _refuse_compressed(request)
    if kind == PNG:
        return PNG, b""
    boundary = options.get(b"boundary", b"")
    if kind == MULTIPART and 1 <= len(boundary) <= 70:
        return MULTIPART, boundary
    raise _unsupported(f"the content type {kind[:60] or 'of the body'!r} is not taken")


def _unsupported(message: str) -> RequestError:
    return not_for_us(message, _TYPES_HINT, status=415, code="unsupported_type")


async def _read_body(request: Request, share: Share, limits: Limits, take: Callable[[bytes], None]) -> None:
    """Hand every piece of the body to `take`, and note how long it is; raises what `read_images` does."""
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > limits.body:
        raise _too_long(limits.body)
    try:
        async with asyncio.timeout(limits.body_timeout):
            async for chunk in request.stream():
                if share.held + len(chunk) > limits.body:
                    raise _too_long(limits.body)
                share.take(len(chunk))
                take(chunk)
        request.state.notes["bytes_in"] = share.held
    except TimeoutError as error:
        message = f"The body did not arrive within {limits.body_timeout:g} seconds. {DISCARDED}"
        raise RequestError(408, "too_slow", message, "send it faster, or send smaller images") from error


async def drain(request: Request, limits: Limits) -> None:
    """Throw a body away, up to the limit and a few seconds: who is still sending would not read the response."""
    left = int(limits.body)
    try:
        async with asyncio.timeout(min(limits.body_timeout, 5.0)):
            async for chunk in request.stream():
                left -= len(chunk)
                if left < 0:
                    return
    except (TimeoutError, ClientDisconnect, RuntimeError):  # the last is Starlette's way to say: all was read already
        return


def _too_long(limit: int) -> RequestError:
    message = f"The body is longer than {limit} bytes. {DISCARDED}"
    return RequestError(413, "too_long", message, "send fewer or smaller images; GET /v1/model has the limits")


class _Form:
    """A multipart body, taken apart as it arrives, so that nothing of it is held twice."""

    def __init__(self, boundary: bytes, most: int) -> None:
        names = ("part_begin", "part_data", "part_end", "header_field", "header_value", "header_end", "end")
        callbacks: Any = {f"on_{name}": getattr(self, f"_{name}") for name in names}
        self._parser = MultipartParser(boundary, callbacks)
        self._parts: list[tuple[str, bytes]] = []
        self._finished = False
        self._most = most

    def write(self, chunk: bytes) -> None:
        """Take the next bytes.

        Raises RequestError 413 for too many parts, 415 for parts that are no image/png, 422 when the body is
        not well formed.
        """
        try:
            self._parser.write(chunk)
        except MultipartParseError as error:
            raise not_for_us("the multipart body is not well formed", _TYPES_HINT, code="bad_multipart") from error

    def images(self) -> list[tuple[str, bytes]]:
        """The (name, content) of every part. Raises RequestError 422 when there is none, or the end is missing."""
        if not self._finished or not self._parts:
            raise not_for_us("the multipart body holds no image or no end", _TYPES_HINT, code="bad_multipart")
        return self._parts

    def _part_begin(self) -> None:
        if len(self._parts) >= self._most:
            message = f"The request holds more than {self._most} images. All were discarded."
            raise RequestError(413, "too_many", message, "send them in several requests")
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
        self._parts.append((options.get(b"name", b"").decode("utf-8", "replace")[:80], bytes(self._data)))
        self._data = bytearray()

    def _end(self) -> None:
        self._finished = True
