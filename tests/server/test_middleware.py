"""A bug of the application: it is logged and answered as one, also where it looks like a fault of the client."""

from __future__ import annotations

import logging

import httpx
import pytest
from h11 import LocalProtocolError
from starlette.types import Receive, Scope, Send

from veilseg.server.memory import Memory
from veilseg.server.metrics import Metrics
from veilseg.server.middleware import Surroundings


class Connection:
    """What the middleware asks of a connection; `no_http`: whether its client sent something else."""

    ending = False

    def __init__(self, no_http: bool) -> None:
        self.no_http = no_http

    def request_begins(self) -> None: ...

    def request_ends(self) -> None: ...


@pytest.mark.anyio
@pytest.mark.parametrize("error", [LocalProtocolError("two responses"), ValueError("of ours")])
async def test_a_bug_is_a_json_500(error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    response = await answer(error, no_http=False)
    assert response.status_code == 500
    assert response.json()["error"]["code"] == "bug"
    assert [record.message for record in caplog.records if record.levelno == logging.ERROR] == ["bug"]


@pytest.mark.anyio
async def test_what_is_no_http_is_no_bug(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(AssertionError):  # httpx: nothing came, as nothing can be sent
        await answer(LocalProtocolError("the other side's state is ERROR"), no_http=True)
    assert not [record for record in caplog.records if record.levelno == logging.ERROR]


async def answer(error: Exception, no_http: bool) -> httpx.Response:
    async def broken(scope: Scope, receive: Receive, send: Send) -> None:
        raise error

    async def connected(scope: Scope, receive: Receive, send: Send) -> None:
        await app({**scope, "state": {"connection": Connection(no_http)}}, receive, send)

    metrics = Metrics()
    app = Surroundings(broken, metrics, Memory(1 << 20, metrics), open_to_all=True)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(connected), base_url="http://localhost") as client:
        return await client.get("/v1/model")
