"""What OpenAPI says about the service: the models of its JSON responses, and the body of POST /v1/segment."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from veilseg.server import responses


class ErrorDetail(BaseModel):
    """Why a request was refused; `image` counts from 0 where one of several is meant."""

    code: str
    message: str
    hint: str
    request_id: str
    image: int | None = None


class ErrorResponse(BaseModel):
    """The body of every response that is no success."""

    error: ErrorDetail


class ClassInfo(BaseModel):
    """One class: its id in label maps, its name, its colour as RGB."""

    id: int
    name: str
    colour: tuple[int, int, int]


class InputInfo(BaseModel):
    """How images are to be encrypted. `accepts`: ciphers that the model takes; `cipher` is the one to prefer.

    `longer_side`: the model's working size; larger photographs are reduced to so many pixels (0: never).
    """

    cipher: str
    accepts: list[str]
    block: int
    sub_block: int | None
    key_fingerprint: str | None
    longer_side: int


class LimitInfo(BaseModel):
    """The most that one request may hold, and how many seconds it may take."""

    body_bytes: int
    image_pixels: int
    images: int
    seconds: float


class ModelInfo(BaseModel):
    """The response of GET /v1/model. `models`: the names of all models here, the default first."""

    name: str
    models: list[str]
    input: InputInfo
    classes: list[ClassInfo]
    limits: LimitInfo


class Health(BaseModel):
    """The response of /healthz and /readyz."""

    status: str


class ErrorResponseV2(ErrorDetail):
    """The same below /v2: `error` is message and hint, as its protocol has it."""

    error: str


class ServerInfo(BaseModel):
    """The response of GET /v2."""

    name: str
    version: str
    extensions: list[str]


class Live(BaseModel):
    """The response of GET /v2/health/live."""

    live: bool


class Ready(BaseModel):
    """The response of GET /v2/health/ready and /v2/models/NAME/ready."""

    ready: bool


class TensorInfo(BaseModel):
    """A tensor of a model; sizes that are not fixed are -1."""

    name: str
    datatype: str
    shape: list[int]


class TensorsInfo(BaseModel):
    """The response of GET /v2/models/NAME."""

    name: str
    platform: str
    inputs: list[TensorInfo]
    outputs: list[TensorInfo]


_IMAGE = {"type": "string", "format": "binary"}
_CLASS = {
    "type": "object",
    "required": ["id", "class", "pixels", "fraction"],
    "properties": {
        "id": {"type": "integer"},
        "class": {"type": "string"},
        "pixels": {"type": "integer"},
        "fraction": {"type": "number"},
    },
}
_SEGMENT = {
    **_CLASS,
    "required": [*_CLASS["required"], "rle"],
    "properties": {**_CLASS["properties"], "rle": {"type": "object", "required": ["size", "counts"]}},  # type: ignore[dict-item]
}


def _map(items: str, item: dict[str, Any]) -> dict[str, Any]:
    """The JSON of one label map, or of several under "images"."""
    size = {"height": {"type": "integer"}, "width": {"type": "integer"}}
    one = {
        "type": "object",
        "required": ["height", "width", items],
        "properties": {**size, items: {"type": "array", "items": item}},
    }
    many = {"type": "object", "required": ["images"], "properties": {"images": {"type": "array", "items": one}}}
    return {"anyOf": [one, many]}


SEGMENT_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "One encrypted image, or several as parts of a form. Plain images are refused.",
        "content": {
            "image/png": {"schema": _IMAGE},
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "properties": {"image": {"type": "array", "items": _IMAGE, "minItems": 1}},
                    "required": ["image"],
                },
                "encoding": {"image": {"contentType": "image/png"}},
            },
        },
    }
}
SEGMENT_OK: dict[str, Any] = {
    "description": "The label map: a palette PNG, raw ids (uint8, row by row; the size is in X-Veilseg-Size), areas of "
    "classes, or COCO RLE; several maps as a form whose parts have the names of the request's.",
    "content": {
        responses.PNG: {"schema": _IMAGE},
        responses.RAW: {"schema": _IMAGE},
        responses.AREAS: {"schema": _map("classes", _CLASS)},
        responses.RLE: {"schema": _map("segments", _SEGMENT)},
        "multipart/form-data": {"schema": {"type": "object"}},
    },
}
INFER_OK: dict[str, Any] = {
    "description": "The label maps: UINT8 [N, H, W], in JSON, or in bytes behind it where the request asks for that.",
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "required": ["model_name", "outputs"],
                "properties": {
                    "model_name": {"type": "string"},
                    "id": {"type": "string"},
                    "outputs": {
                        "type": "array",
                        "items": {"type": "object", "required": ["name", "datatype", "shape"]},
                    },
                },
            }
        },
        "application/octet-stream": {"schema": _IMAGE},
    },
}
_REASONS = {
    400: "The request is no HTTP as it should be",
    401: "A token is missing or not valid",
    403: "A browser says that a page of another site sent the request",
    404: "There is no such model",
    406: "None of the accepted types can be given",
    408: "The body came too slowly",
    413: "The body, the image or the number of images is too large",
    415: "The body is of a type that is not taken",
    421: "Without tokens, only names of this machine are answered",
    422: "The body is no encrypted image for this model",
    429: "The queue is full; Retry-After says when to come back",
    431: "The head of the request is too long",
    503: "The service cannot take work now; Retry-After says when to come back",
    504: "The response would have come too late",
}


def errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The error responses of a route for FastAPI's `responses`; those of `refuse_head` are every route's."""
    return _errors(ErrorResponse, *statuses)


def errors_v2(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The same for the routes below /v2."""
    return _errors(ErrorResponseV2, *statuses)


def _errors(model: type[BaseModel], *statuses: int) -> dict[int | str, dict[str, Any]]:
    every = sorted({400, 403, 421, 431, *statuses})
    return {status: {"model": model, "description": _REASONS[status]} for status in every}
