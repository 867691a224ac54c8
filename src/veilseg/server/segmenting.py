"""Encrypted images of a request and their label maps: checked, queued, waited for, dropped when the client leaves.

POST /v1/segment is here as well; inference_v2.py asks for maps in another protocol.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence

import numpy as np
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from veilseg import container
from veilseg.errors import InvalidImageError
from veilseg.header import Header
from veilseg.modelconfig import ModelConfig
from veilseg.server import body, responses
from veilseg.server.errors import DISCARDED, RequestError, not_for_us, too_late
from veilseg.server.memory import BYTES_PER_PIXEL
from veilseg.server.metrics import Metrics
from veilseg.server.model_queue import ModelQueue, WaitingImage
from veilseg.server.settings import Limits


async def segment(request: Request, queue: ModelQueue, limits: Limits, metrics: Metrics) -> Response:
    """The response to one request with one or several encrypted images. Raises RequestError for every refusal."""
    kind = responses.negotiate(request.headers.get("accept", ""))
    parts, several = await body.read_images(request, request.state.share, limits)
    maps = await label_maps(request, [data for _, data in parts], queue, limits, metrics, several=several)
    named = [(name, labels) for (name, _), labels in zip(parts, maps, strict=True)]
    content, response_headers = await asyncio.to_thread(
        responses.build, named, kind, queue.config, several=several, boundary=f"veilseg-{secrets.token_hex(16)}"
    )
    return Response(content, headers=response_headers)


async def label_maps(
    request: Request,
    files: Sequence[bytes],
    queue: ModelQueue,
    limits: Limits,
    metrics: Metrics,
    *,
    several: bool,
    one_size: bool = False,
) -> list[np.ndarray]:
    """The label maps, uint8 [H, W], of the encrypted images of one request whose body was read: all or none.

    several: a refusal says which image is meant. one_size: images of different sizes are refused.
    Raises RequestError for every refusal, ClientDisconnect when the client leaves.
    """
    notes, share = request.state.notes, request.state.share
    notes["model"] = queue.name
    # In a thread, because checksums of megabytes would hold up everybody else.
    headers = await asyncio.to_thread(_check_all, files, queue.config, limits, several)
    if one_size and len({(header.height, header.width) for header in headers}) > 1:
        hint = "send those of one size together, and others in another request"
        raise not_for_us("the images of this request have different sizes", hint, code="different_sizes")
    client = notes.get("client")
    waiting = [
        WaitingImage(data, (header.height, header.width), header.padded_size, client)
        for data, header in zip(files, headers, strict=True)
    ]
    notes["images"], notes["pixels"] = len(waiting), sum(image.pixels for image in waiting)
    share.take(BYTES_PER_PIXEL * notes["pixels"])
    queue.submit(waiting)
    try:
        return await _wait(request, waiting, limits.timeout)
    except ClientDisconnect:
        metrics.left.inc()
        raise
    except RequestError as error:
        error.image = _which(waiting, error) if several else None
        raise
    finally:
        for image in waiting:
            image.forget()


def _check_all(files: Sequence[bytes], config: ModelConfig, limits: Limits, several: bool) -> list[Header]:
    """The header of every image, after every check that needs no pixels. Raises RequestError."""
    headers = []
    for index, data in enumerate(files):
        try:
            headers.append(_check(data, config, limits))
        except RequestError as error:
            error.image = index if several else None
            raise
    return headers


def _check(data: bytes, config: ModelConfig, limits: Limits) -> Header:
    try:
        header = container.decode_header(data)
    except InvalidImageError as error:
        raise not_for_us(error.message, error.hint) from error
    try:
        config.input.check(header)
    except InvalidImageError as error:
        raise not_for_us(error.message, error.hint, code="not_for_this_model") from error
    height, width = header.padded_size
    if height * width > limits.pixels:
        message = f"The image has {height * width} pixels, and {limits.pixels} are the most. {DISCARDED}"
        raise RequestError(413, "too_many_pixels", message, "scale the photograph down before it is encrypted")
    return header


async def _wait(request: Request, waiting: Sequence[WaitingImage], timeout: float) -> list[np.ndarray]:
    """The label maps. Raises RequestError 504 at the deadline, ClientDisconnect when the client leaves."""
    work = asyncio.ensure_future(_all([image.labels for image in waiting]))
    gone = asyncio.create_task(_disconnected(request))
    try:
        done, _ = await asyncio.wait([work, gone], timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
    finally:
        gone.cancel()
    if work in done:
        return work.result()
    work.cancel()
    if gone in done:
        raise ClientDisconnect
    raise too_late(timeout)


def _which(waiting: Sequence[WaitingImage], error: RequestError) -> int | None:
    """The number of the image that was refused with `error`; None where it concerns the whole request."""
    for index, image in enumerate(waiting):
        if image.labels.done() and not image.labels.cancelled() and image.labels.exception() is error:
            return index
    return None


async def _all(labels: Sequence[asyncio.Future[np.ndarray]]) -> list[np.ndarray]:
    return await asyncio.gather(*labels)


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
