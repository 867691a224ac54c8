"""Requests sent and sent again: what both clients do, on asyncio, so that one deadline holds for all of an attempt."""

from __future__ import annotations

import asyncio

import httpx

from veilseg.client.exchange import Exchange, Sent
from veilseg.client.responses import MAX_LABELS, MAX_TEXT, Incoming, ServiceModel
from veilseg.errors import ServiceError


async def ask_model(http: httpx.AsyncClient, exchange: Exchange) -> ServiceModel:
    """What the service's model is and takes. Raises ServiceError when it cannot be had."""
    request = http.build_request("GET", "/v1/model", params=exchange.query)
    return ServiceModel.from_response(await _send(http, exchange, request, MAX_TEXT))


async def send_image(http: httpx.AsyncClient, exchange: Exchange, sent: Sent) -> httpx.Response:
    """The response with a label map. Raises ServiceError when there is none."""
    headers = {"Content-Type": "image/png", "Accept": "image/png"}
    request = http.build_request("POST", "/v1/segment", params=exchange.query, content=sent.body, headers=headers)
    return await _send(http, exchange, request, MAX_LABELS)


async def _send(http: httpx.AsyncClient, exchange: Exchange, request: httpx.Request, most: int) -> httpx.Response:
    attempt = 0
    while True:
        try:
            # The whole attempt, not each read: a byte every second must not hold a client for ever.
            async with asyncio.timeout(exchange.timeout):
                response: httpx.Response | httpx.TransportError | TimeoutError = await _receive(http, request, most)
        except httpx.InvalidURL as error:  # httpx reads where a redirect leads, although none is followed
            raise ServiceError("the service redirects to what is no address", "check the address") from error
        except (httpx.TransportError, TimeoutError) as error:
            response = error
        if isinstance(response, httpx.Response) and response.status_code == 200:
            return response
        await asyncio.sleep(exchange.failure(attempt, response))
        attempt += 1


async def _receive(http: httpx.AsyncClient, request: httpx.Request, most: int) -> httpx.Response:
    response = await http.send(request, stream=True)
    http.cookies.clear()  # by which a service would know a client again
    try:
        incoming = Incoming(response, most)
        async for chunk in response.aiter_raw():
            incoming.add(chunk)
        return incoming.whole()
    finally:
        await response.aclose()
