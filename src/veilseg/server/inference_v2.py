"""The Open Inference Protocol, version 2, as KServe and Triton have it: tensors in JSON, or in bytes behind it.

A model has one input, `image`: BYTES [N], files of encrypted images, in JSON as base64; and one output, `labels`:
UINT8 [N, H, W], the class of every pixel.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
import math
import struct
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, Field, ValidationError
from starlette.requests import Request
from starlette.responses import Response

from veilseg.server import body
from veilseg.server.errors import RequestError, not_for_us
from veilseg.server.metrics import Metrics
from veilseg.server.model_queue import ModelQueue
from veilseg.server.segmenting import label_maps
from veilseg.server.settings import Limits

HEADER = "Inference-Header-Content-Length"  # bytes of JSON before those of tensors; absent: all is JSON
INPUT, OUTPUT = "image", "labels"
_HINT = f"one input {INPUT!r} of the type BYTES with the files of encrypted images; GET /v2/models/NAME describes it"
_MOST_VALUES = 1000  # in JSON: a file is one, so more are none of ours, and would take much memory
_JSON_PER_PIXEL = 4  # bytes of a class id and its comma


class InputParameters(BaseModel):
    """`binary_data_size`: bytes of this tensor behind the JSON."""

    binary_data_size: int | None = Field(default=None, ge=0)


class OutputParameters(BaseModel):
    """`binary_data`: whether this tensor is to come behind the JSON."""

    binary_data: bool = False


class RequestParameters(BaseModel):
    """`binary_data_output`: the same for every output that says nothing itself."""

    binary_data_output: bool = False


class RequestInput(BaseModel):
    """The files of encrypted images, in base64, or with `binary_data_size` behind the JSON."""

    name: Literal["image"]
    datatype: Literal["BYTES"]
    shape: list[int] = Field(min_length=1, max_length=4)
    data: list[str] | None = None
    parameters: InputParameters = Field(default_factory=InputParameters)


class RequestOutput(BaseModel):
    """The one output, and how it is to come."""

    name: Literal["labels"]
    parameters: OutputParameters | None = None


class InferRequest(BaseModel):
    """The JSON of POST /v2/models/NAME/infer. Other parameters of the protocol have no effect."""

    id: str | None = Field(default=None, max_length=200)
    parameters: RequestParameters = Field(default_factory=RequestParameters)
    inputs: list[RequestInput] = Field(min_length=1, max_length=1)
    outputs: list[RequestOutput] | None = Field(default=None, max_length=1)

    @property
    def binary_output(self) -> bool:
        """Whether the label maps come in bytes behind the JSON."""
        chosen = self.outputs[0].parameters if self.outputs else None
        return self.parameters.binary_data_output if chosen is None else chosen.binary_data


async def infer(request: Request, queue: ModelQueue, limits: Limits, metrics: Metrics) -> Response:
    """The response to one request of the protocol. Raises RequestError for every refusal, as `segment` does."""
    share = request.state.share
    whole = await body.read_whole(request, share, limits)
    share.take(2 * len(whole))  # the texts of JSON and the files, as they are taken out of it
    asked, files = await asyncio.to_thread(_read, whole, request.headers.get(HEADER), limits)
    del whole
    maps = await label_maps(request, files, queue, limits, metrics, several=len(files) > 1, one_size=True)
    if not asked.binary_output:
        share.take(_JSON_PER_PIXEL * sum(labels.size for labels in maps))
    content, headers = await asyncio.to_thread(_respond, asked, queue.name, maps)
    return Response(content, headers=headers)


def _read(whole: bytearray, header: str | None, limits: Limits) -> tuple[InferRequest, list[bytes]]:
    """What is asked, and the files. Raises RequestError 413 or 422."""
    length = len(whole) if header is None else _number(header, len(whole))
    text = whole if header is None else bytes(memoryview(whole)[:length])
    if sum(text.count(each) for each in (b",", b"[", b"{")) > _MOST_VALUES:
        raise _bad("the JSON holds too many values")
    try:
        asked = InferRequest.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(map(str, first["loc"]))
        message = f"{where}: {first['msg']}" if where else "it is not the JSON that the protocol asks for"
        raise _bad(message) from None
    given = asked.inputs[0]
    size = given.parameters.binary_data_size
    if (size is None) == (given.data is None):
        raise _bad("the input needs either data or a binary_data_size")
    if len(whole) - length != (size or 0):
        raise _bad(f"{len(whole) - length} bytes come behind the JSON, not {size or 0}")
    count = math.prod(given.shape) if min(given.shape) > 0 else 0
    if count < 1:
        raise _bad("the shape holds no image")
    if count > limits.images:
        message = f"The request holds more than {limits.images} images. All were discarded."
        raise RequestError(413, "too_many", message, "send them in several requests")
    files = _decode(given.data) if given.data is not None else _split(memoryview(whole)[length:], count)
    if len(files) != count:
        raise _bad(f"the shape holds {count} images, and the data others")
    return asked, files


def _number(header: str, most: int) -> int:
    if not (header.isascii() and header.isdigit() and len(header) < 12 and int(header) <= most):
        raise _bad(f"{HEADER} does not fit the body")
    return int(header)


def _decode(data: Sequence[str]) -> list[bytes]:
    try:
        return [base64.b64decode(each, validate=True) for each in data]
    except (binascii.Error, ValueError):
        raise _bad("an image in JSON is not base64") from None


def _split(data: memoryview, count: int) -> list[bytes]:
    """The elements of a BYTES tensor, one more than `count` at most: each its length in four bytes (LE), and itself."""
    files: list[bytes] = []
    position = 0
    while position < len(data) and len(files) <= count:
        end = position + 4
        length = struct.unpack_from("<I", data, position)[0] if end <= len(data) else len(data)
        if end + length > len(data):
            raise _bad("the tensor ends inside of an image")
        files.append(bytes(data[end : end + length]))
        position = end + length
    return files


def _bad(message: str) -> RequestError:
    return not_for_us(message, _HINT, code="bad_tensor")


def _respond(asked: InferRequest, model: str, maps: list[np.ndarray]) -> tuple[bytes, dict[str, str]]:
    """The body of the response and its headers, for label maps of one size."""
    shape = [len(maps), *maps[0].shape]
    output: dict[str, Any] = {"name": OUTPUT, "datatype": "UINT8", "shape": shape}
    response = {"model_name": model, **({} if asked.id is None else {"id": asked.id}), "outputs": [output]}
    if asked.binary_output:
        output["parameters"] = {"binary_data_size": math.prod(shape)}
        head = json.dumps(response).encode()
        content = b"".join([head, *(labels.tobytes() for labels in maps)])
        return content, {"Content-Type": "application/octet-stream", HEADER: str(len(head))}
    # Row by row: a list of all pixels would take eight bytes for each.
    rows = (",".join(map(str, row.tolist())) for labels in maps for row in labels)
    text = f'{json.dumps(response).removesuffix("}]}")}, "data": [{",".join(rows)}]}}]}}'
    return text.encode(), {"Content-Type": "application/json"}
