"""The client against services that refuse, lie or never end."""

from __future__ import annotations

import asyncio
import contextlib
import json
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

import veilseg
from tests.client.impostor import SMALL, give, impostor, info, labels
from tests.service import reserved_port
from veilseg.client import AsyncClient, Client, Retries
from veilseg.errors import ServiceError


@pytest.mark.parametrize(
    "spec",
    [
        {"cipher": "plain", "sub_block": None},
        {"sub_block": 1},
        {"sub_block": 2},
        {"cipher": "mosaic", "sub_block": 2},
        {"cipher": "patch-permutation", "block": 1, "sub_block": None, "key_fingerprint": "0" * 16},
        {"cipher": "rot13"},
        {"block": "16"},
    ],
)
def test_a_service_that_asks_for_plain_images_gets_nothing(spec: dict[str, Any]) -> None:
    with impostor(lambda handler, _: give(handler, 200, info(**spec))) as (url, got), Client(url) as client:
        with pytest.raises(ServiceError):
            client.segment(SMALL)
        assert got == [("GET", b"")]


def test_the_model_is_asked_for_once_and_refusals_are_waited_out(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []

    async def note(wait: float) -> None:
        waits.append(wait)

    monkeypatch.setattr("veilseg.client.sending.asyncio.sleep", note)

    def respond(handler: BaseHTTPRequestHandler, count: int) -> None:
        if handler.command == "GET":
            give(handler, 200, info())
        elif count < 4:
            give(handler, (429, 503)[count % 2], b"{}", Retry_After="7")
        else:
            give(handler, 200, labels())

    with impostor(respond) as (url, got), Client(url) as client:
        assert (client.segment(SMALL) == 1).all()
        client.segment(SMALL)
    assert [method for method, _ in got] == ["GET", "POST", "POST", "POST", "POST"]
    assert len(waits) == 2
    assert all(7 <= wait <= 7 + 0.5 * 2**attempt for attempt, wait in enumerate(waits))
    assert got[1] == got[2] == got[3]


@pytest.mark.parametrize("status", [500, 502, 503])
def test_retries_end(status: int) -> None:
    retries = Retries(attempts=3, first_wait=0.001)
    with impostor(lambda handler, _: give(handler, status, b"{}")) as (url, got):
        with Client(url, retries=retries) as client, pytest.raises(ServiceError) as refused:
            client.segment(SMALL)
        assert refused.value.status == status
        assert len(got) == 3
    assert Retries().wait(0, "3600") is None  # that is no wait but a no
    assert Retries().wait(0, "Wed, 21 Oct 2015 07:28:00 GMT") is not None
    unreachable = pytest.raises(ServiceError, match="reached")
    with reserved_port() as port, Client(f"http://127.0.0.1:{port}", retries=retries) as client, unreachable:
        client.segment(SMALL)


@pytest.mark.parametrize(
    "body", [b"", b"no png", labels(20, 31), labels(value=2), labels()[:60], veilseg.images.to_png(SMALL)]
)
def test_responses_that_are_no_label_map_are_refused(body: bytes) -> None:
    def respond(handler: BaseHTTPRequestHandler, _: int) -> None:
        give(handler, 200, info() if handler.command == "GET" else body)

    with impostor(respond) as (url, _), Client(url) as client, pytest.raises(ServiceError):
        client.segment(SMALL)


@pytest.mark.parametrize("ask", [Client, AsyncClient])
def test_a_response_without_end_is_cut_off(ask: type[Client | AsyncClient], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("veilseg.client.sending.MAX_TEXT", 1 << 20)

    def respond(handler: BaseHTTPRequestHandler, _: int) -> None:
        handler.send_response(200)
        handler.end_headers()
        with contextlib.suppress(OSError):  # the client hangs up
            while True:
                handler.wfile.write(bytes(65536))

    async def wait() -> None:
        async with AsyncClient(url) as client:
            await client.segment(SMALL)

    def run() -> None:
        if ask is Client:
            with Client(url) as client:
                client.segment(SMALL)
        else:
            asyncio.run(wait())

    with impostor(respond) as (url, _), pytest.raises(ServiceError, match="larger than"):
        run()


def test_a_redirect_is_not_followed_and_an_error_is_told() -> None:
    def respond(handler: BaseHTTPRequestHandler, _: int) -> None:
        body = json.dumps({"error": {"message": "No\x1b[31m.", "hint": "h", "request_id": "r1"}}).encode()
        give(handler, 302, body, Location="http://example.com/")

    with impostor(respond) as (url, got), Client(url, token="t") as client:
        with pytest.raises(ServiceError, match=r"refused: No\[31m \(request r1\)"):
            client.segment(SMALL)
        assert len(got) == 1
