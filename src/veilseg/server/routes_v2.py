"""The routes of the Open Inference Protocol, version 2: the same models, queues, tokens and limits as below /v1."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from fastapi import FastAPI, Request, Response

from veilseg import __version__
from veilseg.server import body, schema
from veilseg.server.errors import RequestError, unavailable
from veilseg.server.inference_v2 import HEADER, INPUT, OUTPUT, InferRequest, infer
from veilseg.server.metrics import Metrics
from veilseg.server.model_queue import ModelQueue
from veilseg.server.settings import Limits


def add_routes(
    app: FastAPI,
    queues: Mapping[str, ModelQueue],
    queue_of: Callable[[str], ModelQueue],
    limits: Limits,
    metrics: Metrics,
    secured: dict[str, Any],
) -> None:
    """Add the protocol's routes to `app`. secured: what makes a route ask for a token. `queue_of` raises 404."""

    @app.get("/v2", responses=schema.errors_v2(401, 503), **secured)
    async def get_server() -> schema.ServerInfo:
        """What the service is and speaks."""
        return schema.ServerInfo(name="veilseg", version=__version__, extensions=["binary_tensor_data"])

    @app.get("/v2/health/live", responses=schema.errors_v2())
    async def get_live() -> schema.Live:
        """Whether the service runs."""
        return schema.Live(live=True)

    @app.get("/v2/health/ready", responses=schema.errors_v2(503))
    async def get_ready() -> schema.Ready:
        """Whether every model is loaded."""
        return _ready(*queues.values())

    @app.get("/v2/models/{name}", responses=schema.errors_v2(401, 404, 422, 503), **secured)
    async def get_tensors(name: str) -> schema.TensorsInfo:
        """The tensors of a model. GET /v1/model says how images are to be encrypted for it."""
        return schema.TensorsInfo(
            name=queue_of(name).name,
            platform="veilseg",
            inputs=[schema.TensorInfo(name=INPUT, datatype="BYTES", shape=[-1])],
            outputs=[schema.TensorInfo(name=OUTPUT, datatype="UINT8", shape=[-1, -1, -1])],
        )

    @app.get("/v2/models/{name}/ready", responses=schema.errors_v2(401, 404, 422, 503), **secured)
    async def get_model_ready(name: str) -> schema.Ready:
        """Whether a model is loaded."""
        return _ready(queue_of(name))

    described = {
        "requestBody": {
            "required": True,
            "description": f"JSON; behind it, where {HEADER} says how long it is, the input's bytes.",
            "content": {"application/json": {"schema": InferRequest.model_json_schema()}},
        }
    }

    @app.post(
        "/v2/models/{name}/infer",
        response_class=Response,
        responses={200: schema.INFER_OK, **schema.errors_v2(401, 404, 408, 413, 415, 422, 429, 503, 504)},
        **{**secured, "openapi_extra": {**described, **secured.get("openapi_extra", {})}},
    )
    async def post_infer(request: Request, name: str) -> Response:
        """Segment encrypted images of one size."""
        try:
            return await infer(request, queue_of(name), limits, metrics)
        except RequestError:
            await body.drain(request, limits)
            raise


def _ready(*queues: ModelQueue) -> schema.Ready:
    if all(queue.ready for queue in queues):
        return schema.Ready(ready=True)
    raise unavailable("not_ready", "A model is being loaded.")
