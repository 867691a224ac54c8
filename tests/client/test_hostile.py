"""A service that is the client's enemy: bombs, drips, texts for terminals, and JSON of every kind."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import time
import tracemalloc
import zlib
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.any_json import spoilt
from tests.client.impostor import SMALL, give, impostor, info, labels
from veilseg.client import AsyncClient, Client, Retries, ServiceModel
from veilseg.client.responses import labels_of, refusal
from veilseg.errors import ServiceError

ONCE = Retries(attempts=1)


def ask(url: str, kind: type[Client | AsyncClient], **options: Any) -> None:
    async def wait() -> None:
        async with AsyncClient(url, retries=ONCE, **options) as client:
            await client.segment(SMALL)

    if kind is Client:
        with Client(url, retries=ONCE, **options) as client:
            client.segment(SMALL)
    else:
        asyncio.run(wait())


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "identity, gzip", "GZIP", "\x0b"])
@pytest.mark.parametrize("status", [200, 400])
def test_compressed_responses_are_refused_unread(encoding: str, status: int) -> None:
    bomb = gzip.compress(bytes(200 << 20), 1) if encoding == "gzip" else zlib.compress(bytes(1 << 20))

    def respond(handler: BaseHTTPRequestHandler, _: int) -> None:
        assert handler.headers["Accept-Encoding"] == "identity"
        with contextlib.suppress(OSError):  # the client has hung up
            give(handler, status, bomb, Content_Encoding=encoding)

    tracemalloc.start()
    with impostor(respond) as (url, _), pytest.raises(ServiceError):
        ask(url, Client)
    assert tracemalloc.get_traced_memory()[1] < 50 << 20
    tracemalloc.stop()


def _drip(handler: BaseHTTPRequestHandler, start: bytes, again: bytes) -> None:
    with contextlib.suppress(OSError):
        handler.wfile.write(start)
        for _ in range(2000):  # longer than any test is willing to wait
            handler.wfile.write(again)
            time.sleep(0.05)


@pytest.mark.parametrize("kind", [Client, AsyncClient])
@pytest.mark.parametrize(
    ("start", "again"),
    [
        (b"", b"H"),
        (b"HTTP/1.1 200 OK\r\n", b"X: 1\r\n"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", b"x"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
        (b"HTTP/1.1 500 Oh\r\n\r\n", b"x"),
    ],
)
def test_an_attempt_ends_in_its_time(kind: type[Client | AsyncClient], start: bytes, again: bytes) -> None:
    with impostor(lambda handler, _: _drip(handler, start, again)) as (url, _):
        begun = time.monotonic()
        with pytest.raises(ServiceError, match=r"within 0.5 s|cannot be reached"):  # "HHHH" is no HTTP
            ask(url, kind, timeout=0.5)
        assert time.monotonic() - begun < 30  # without a deadline it would be 100


@pytest.mark.parametrize("name", ["message", "hint", "request_id"])
@pytest.mark.parametrize(
    "text", ["\x1b]0;owned\x07", "\x9b31m", "a\nerror: b", "\u202egpj", "\ud800", "\x00", "a\u2028b"]
)
def test_no_text_of_a_service_steers_a_terminal(name: str, text: str) -> None:
    error = {"message": "m", "hint": "h", "request_id": "r", name: text}
    with impostor(lambda handler, _: give(handler, 400, json.dumps({"error": error}).encode())) as (url, _):
        with pytest.raises(ServiceError) as refused:
            ask(url, Client)
        assert str(refused.value).isprintable()
    renamed = httpx.Response(200, content=json.dumps({**json.loads(info()), "name": text}))
    assert ServiceModel.from_response(renamed).name.isprintable()


NUMBERS = ["1e999", "-1", "NaN", "Infinity", "9" * 5000, "1" * 400, "0.5", "true", "null", '"1"', "[]", "{}"]
DEEP = "[" * 100_000 + "]" * 100_000


@pytest.mark.parametrize("number", [*NUMBERS, DEEP, '{"a":' * 50_000 + "1" + "}" * 50_000])
@pytest.mark.parametrize(
    "where", ['"longer_side": 480', '"image_pixels": 1000000', '"block": 16', '"id": 0', "[0, 0, 0]"]
)
def test_numbers_that_are_none(number: str, where: str) -> None:
    text = info().decode()
    assert where in text
    name = where.partition(":")[0] + ":" if ":" in where else ""
    with pytest.raises(ServiceError):
        ServiceModel.from_response(httpx.Response(200, content=text.replace(where, f"{name} {number}")))


@pytest.mark.parametrize(
    "body", [DEEP, '{"error":' + DEEP + "}", '{"error": []}', "[]", "1", "null", '{"error": {"message": 1}}']
)
def test_refusals_that_say_nothing(body: str) -> None:
    error = refusal(httpx.Response(400, content=body))
    assert str(error) == "the service refused: status 400"
    assert error.hint is None
    assert refusal(httpx.Response(404, content=body)).hint == "is this the address of a veilseg service?"


@given(spoilt(info().decode()))
def test_any_json_is_a_model_or_an_error(text: str) -> None:
    for read in (ServiceModel.from_response, refusal):
        with contextlib.suppress(ServiceError):
            read(httpx.Response(200, content=text.encode()))


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    reads: list[Callable[[httpx.Response], Any]] = [ServiceModel.from_response, refusal]
    reads.append(lambda response: labels_of(response, (20, 30), (20, 30), 2))
    for read in reads:
        with contextlib.suppress(ServiceError):
            read(httpx.Response(200, content=body))


@given(st.integers(0, 400), st.binary(min_size=1, max_size=4))
def test_a_damaged_label_map_is_read_or_refused(at: int, damage: bytes) -> None:
    good = labels()
    at %= len(good)
    with contextlib.suppress(ServiceError):
        found = labels_of(
            httpx.Response(200, content=good[:at] + damage + good[at + len(damage) :]), (20, 30), (20, 30), 2
        )
        assert found.shape == (20, 30)
        assert found.max() < 2
