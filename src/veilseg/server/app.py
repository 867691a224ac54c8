"""The application: its routes, who may use them, and how errors become JSON."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from veilseg import __version__
from veilseg.errors import UsageError, VeilsegError
from veilseg.modelconfig import ModelConfig
from veilseg.server import body, routes_v2, schema
from veilseg.server.errors import RequestError, unavailable
from veilseg.server.logs import LOGGER
from veilseg.server.memory import Memory
from veilseg.server.metrics import CONTENT_TYPE, Metrics
from veilseg.server.middleware import Surroundings
from veilseg.server.model_queue import ModelQueue
from veilseg.server.segmenting import segment
from veilseg.server.settings import Limits, Settings
from veilseg.server.tokens import TokenFile
from veilseg.server.traces import Traces
from veilseg.server.web import web_routes

log = logging.getLogger(LOGGER)
ModelName = Annotated[str | None, Query(alias="model", max_length=200, description="Default: the first model.")]


def create_app(settings: Settings, metrics: Metrics | None = None, traces: Traces | None = None) -> FastAPI:
    """The ASGI application for `settings`; its models are loaded when its lifespan begins.

    Raises VeilsegError when the file of tokens cannot be read.
    """
    metrics = metrics or Metrics()
    limits = settings.limits
    tokens = TokenFile(settings.tokens) if settings.tokens is not None else None
    if tokens is not None:
        tokens.clients()
    queues = {
        name: ModelQueue(name, source, settings.device, settings.threads, limits, metrics)
        for name, source in settings.models.items()
    }
    app = FastAPI(
        title="veilseg",
        version=__version__,
        description="Segments encrypted images. Plain images are refused and discarded.",
        lifespan=_lifespan(queues),
        docs_url=None,  # its page loads scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,  # to an address made of the Host header, and without TLS
    )
    app.state.failure = None  # why the service could not start

    async def known(request: Request) -> None:
        """Raises RequestError 401 unless the request carries a token of the file (or the service needs none)."""
        if tokens is None:
            return
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        try:
            client = tokens.check(token.strip()) if scheme.lower() == "bearer" else None
        except VeilsegError as error:  # nobody is let in while the list cannot be read
            log.error("the file of tokens cannot be read")
            raise unavailable("no_tokens", "The service cannot read its list of tokens.") from error
        if client is None:
            await body.drain(request, limits)
            raise RequestError(401, "no_token", "A valid token is needed.", "send it as Authorization: Bearer TOKEN")
        request.state.notes["client"] = client

    def queue_of(name: str | None) -> ModelQueue:
        queue = queues.get(next(iter(queues)) if name is None else name)
        if queue is None:
            raise RequestError(404, "no_such_model", "There is no such model here.", f"one of: {', '.join(queues)}")
        return queue

    secured: dict[str, Any] = {"dependencies": [Depends(known)]}
    if tokens is not None:
        secured["openapi_extra"] = {"security": [{"bearer": []}]}

    @app.post(
        "/v1/segment",
        response_class=Response,
        responses={
            200: schema.SEGMENT_OK,
            **schema.errors(401, 404, 406, 408, 413, 415, 422, 429, 503, 504),
        },
        **{**secured, "openapi_extra": {**schema.SEGMENT_BODY, **secured.get("openapi_extra", {})}},
    )
    async def post_segment(request: Request, model: ModelName = None) -> Response:
        """Segment encrypted images."""
        try:
            return await segment(request, queue_of(model), limits, metrics)
        except RequestError:
            await body.drain(request, limits)
            raise

    @app.get("/v1/model", responses=schema.errors(401, 404, 422, 503), **secured)
    async def get_model(model: ModelName = None) -> schema.ModelInfo:
        """What a client must know to encrypt for a model."""
        return _describe(queue_of(model), list(queues), limits)

    @app.get("/healthz", responses=schema.errors())
    async def get_health() -> schema.Health:
        """Whether the service runs."""
        return schema.Health(status="ok")

    @app.get("/readyz", responses=schema.errors(503))
    async def get_ready() -> schema.Health:
        """Whether every model is loaded."""
        if all(queue.ready for queue in queues.values()):
            return schema.Health(status="ready")
        raise unavailable("not_ready", "A model is being loaded.")

    @app.get(
        "/metrics",
        response_class=Response,
        responses={
            200: {"content": {"text/plain": {"schema": {"type": "string"}}}},
            **schema.errors(401, 503),
        },
        **secured,
    )
    async def get_metrics() -> Response:
        """Counters for Prometheus."""
        return Response(metrics.text(), media_type=CONTENT_TYPE)

    routes_v2.add_routes(app, queues, queue_of, limits, metrics, secured)
    for route in web_routes():
        app.router.routes.append(route)
    _handle_errors(app)
    _finish_openapi(app, with_tokens=tokens is not None)
    memory = Memory(limits.memory, metrics)
    app.add_middleware(Surroundings, metrics=metrics, memory=memory, traces=traces, open_to_all=tokens is None)
    return app


def _lifespan(queues: dict[str, ModelQueue]) -> Any:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            for queue in queues.values():
                try:
                    await queue.start()
                    stack.push_async_callback(queue.stop)
                    refuse_plain(queue.name, queue.config)
                except VeilsegError as error:
                    app.state.failure = error
                    raise
            yield

    return lifespan


def refuse_plain(name: str, config: ModelConfig) -> None:
    """Raise UsageError for a model that takes plain images."""
    if config.input.encryption is None:
        hint = "encrypt it first (veilseg encrypt-model), or serve a model for encrypted images"
        raise UsageError(f"the model {name!r} takes plain images, which are never served", hint)


def _describe(queue: ModelQueue, names: list[str], limits: Limits) -> schema.ModelInfo:
    config = queue.config
    encryption = config.input.encryption
    if encryption is None:
        raise unavailable("no_model", "The service has no model for encrypted images.")
    colours = zip(config.classes, config.palette, strict=True)
    return schema.ModelInfo(
        name=queue.name,
        models=names,
        input=schema.InputInfo(
            cipher=encryption.cipher,
            accepts=list(encryption.facts.accepts),
            block=encryption.block,
            sub_block=encryption.sub_block,
            key_fingerprint=config.input.key_fingerprint,
            longer_side=config.longer_side,
        ),
        classes=[schema.ClassInfo(id=i, name=name, colour=rgb) for i, (name, rgb) in enumerate(colours)],
        limits=schema.LimitInfo(
            body_bytes=limits.body, image_pixels=limits.pixels, images=limits.images, seconds=limits.timeout
        ),
    )


def _handle_errors(app: FastAPI) -> None:
    def respond(request: Request, error: RequestError, headers: Mapping[str, str] | None = None) -> Response:
        request.state.notes["code"] = error.code
        return error.response(request.state.notes["request_id"], request.url.path, headers)

    @app.exception_handler(RequestError)
    async def on_refusal(request: Request, error: RequestError) -> Response:
        return respond(request, error)

    @app.exception_handler(ClientDisconnect)
    async def on_disconnect(request: Request, error: ClientDisconnect) -> Response:
        request.state.notes["code"] = "client_left"
        return Response(status_code=499)  # nobody reads it

    @app.exception_handler(HTTPException)
    async def on_http(request: Request, error: HTTPException) -> Response:
        code = {404: "not_found", 405: "wrong_method"}.get(error.status_code, "bad_request")
        message, hint = f"{error.detail}.", "GET /openapi.json describes the service"
        return respond(request, RequestError(error.status_code, code, message, hint), error.headers)

    @app.exception_handler(RequestValidationError)
    async def on_invalid(request: Request, error: RequestValidationError) -> Response:
        where = ", ".join(str(item["loc"][-1]) for item in error.errors()[:3])
        return respond(
            request, RequestError(422, "bad_parameter", f"The parameter {where} is not valid.", "leave it out")
        )


def _finish_openapi(app: FastAPI, *, with_tokens: bool) -> None:
    """Say how tokens are sent, and that every refusal has the same body: FastAPI's own 422 never leaves here."""
    description = app.openapi()
    if with_tokens:
        description.setdefault("components", {})["securitySchemes"] = {"bearer": {"type": "http", "scheme": "bearer"}}
