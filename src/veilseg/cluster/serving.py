"""`veilseg serve --ray`: the application of veilseg.server as replicas of a Ray Serve deployment.

Ray Serve listens, spreads requests, adds and removes replicas, replaces those that die. On an update it lets some
finish and replaces them, then the next: with one replica alone nobody would respond until the new model is loaded, so
two are the default. A replica is the service of one machine: its checks, batches, worker process.
"""

from __future__ import annotations

import logging
import os
import re
import signal
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import ray
from fastapi import FastAPI
from ray import serve
from ray.serve.config import AutoscalingConfig, BackpressureConfig

from veilseg.cluster.connect import connect
from veilseg.errors import UsageError, VeilsegError
from veilseg.runtime import Segmenter
from veilseg.server.app import create_app, refuse_plain
from veilseg.server.logs import json_lines
from veilseg.server.metrics import Metrics
from veilseg.server.serve import check_start
from veilseg.server.settings import Limits, Settings

NAME = "veilseg"
#: Two, so that one responds while the other is replaced.
DEFAULT_REPLICAS = "2"
_GRACE = 5


@serve.ingress()
class Service:
    """One replica; Ray Serve makes it where it wants it, and asks it for its application."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def __serve_build_asgi_app__(self) -> FastAPI:
        metrics = Metrics()
        app = create_app(self.settings, metrics)
        lifespan = app.router.lifespan_context

        @asynccontextmanager
        async def logging_lifespan(app: FastAPI) -> AsyncIterator[None]:
            with json_lines(metrics):
                async with lifespan(app):
                    yield

        app.router.lifespan_context = logging_lifespan
        return app


def parse_replicas(text: str) -> tuple[int, int]:
    """The fewest and the most replicas: "3" as (3, 3), "1-8" as (1, 8). Raises UsageError for anything else."""
    found = re.fullmatch("([0-9]+)(?:-([0-9]+))?", text)
    replicas = (int(found[1]), int(found[2] or found[1])) if found else (0, 0)
    if not 1 <= replicas[0] <= replicas[1]:
        raise UsageError(f"{text!r} is no number of replicas", "--replicas 2, or 1-8 for as many as the load needs")
    return replicas


def application(settings: Settings, replicas: tuple[int, int]) -> serve.Application:
    """The deployment for `settings`: from the fewest to the most `replicas`, as many as the load needs.

    A replica gets two batches at a time, so that the next one is there when a batch is done; at every proxy
    `limits.queue` requests wait for one, and more are refused with 429 and Retry-After. It reserves as many cores as
    the settings have threads (default: 1).
    """
    limits, threads = settings.limits, settings.threads or 1
    there = {
        "threads": threads,
        "models": {name: _elsewhere(source) for name, source in settings.models.items()},
        "tokens": None if settings.tokens is None else settings.tokens.absolute(),
    }
    least, most = replicas
    scaling: dict[str, Any] = {"num_replicas": least}
    if most > least:
        target = float(limits.batch)
        scaling = {
            "autoscaling_config": AutoscalingConfig(
                min_replicas=least, max_replicas=most, target_ongoing_requests=target
            )
        }
    deployment = serve.deployment(
        Service,
        name=NAME,
        ray_actor_options={"num_cpus": threads, "num_gpus": 1 if settings.device == "cuda" else 0},
        max_ongoing_requests=2 * limits.batch,
        max_queued_requests=limits.queue,
        backpressure_config=BackpressureConfig(status_code=429, retry_after_s=1),
        graceful_shutdown_timeout_s=_patience(limits),
        logging_config={"enable_access_log": False},  # the application has its own log
        **scaling,
    )
    return deployment.bind(settings.model_copy(update=there))


def from_arguments(arguments: dict[str, str]) -> serve.Application:
    """`application` for Ray Serve's configuration files, as import_path veilseg.cluster.serving:from_arguments.

    arguments: any of Settings, as in the environment (models separated by spaces), and replicas. A file of tokens is
    required, since other machines reach a cluster. Raises UsageError for others and without tokens.
    """
    given: dict[str, Any] = dict(arguments)
    replicas = parse_replicas(str(given.pop("replicas", DEFAULT_REPLICAS)))
    settings = Settings(**given)
    if settings.tokens is None:
        raise UsageError("a cluster's service needs tokens", "veilseg token add NAME --file tokens.json")
    return application(settings, replicas)


def serve_on_ray(settings: Settings, replicas: tuple[int, int]) -> None:
    """Serve on a cluster.

    On one of our own until SIGTERM or SIGINT, then finish what was accepted (for a minute); on the one at
    RAY_ADDRESS return when all replicas run there, replacing those of a service that ran before.

    Raises what `check_start`, Segmenter and `connect` raise, VeilsegError when the replicas cannot be started.
    """
    check_start(settings)
    for name, source in settings.models.items():  # what Ray would try again and again is refused here
        refuse_plain(name, Segmenter(source, threads=1).config)
    connect(replicas[0] * (settings.threads or 1))
    logging.getLogger("ray.serve").setLevel(logging.WARNING)
    patience, certificate, key = _patience(settings.limits), settings.tls_certificate, settings.tls_key
    options: dict[str, Any] = {"host": settings.host, "port": settings.port, "request_timeout_s": patience}
    if certificate is not None and key is not None:
        options |= {"ssl_certfile": str(certificate.absolute()), "ssl_keyfile": str(key.absolute())}
    try:
        serve.start(proxy_location="EveryNode", http_options=options, logging_config={"enable_access_log": False})
        serve.run(application(settings, replicas), name=NAME, route_prefix="/")
    except (RuntimeError, ray.exceptions.RayError) as error:
        hint = f"is port {settings.port} free? Ray's logs say more, by default in /tmp/ray/session_latest/logs"
        raise VeilsegError("Ray could not start the service", hint) from error
    if os.environ.get("RAY_ADDRESS"):
        return
    asked = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: asked.set())
    asked.wait()
    with suppress(TimeoutError):  # Ray waits for a minute
        serve.delete(NAME)  # finishes what was accepted, while those who listen go on to listen
    serve.shutdown()
    ray.shutdown()


def _patience(limits: Limits) -> float:
    return limits.timeout + limits.body_timeout + _GRACE


def _elsewhere(model: str) -> str:
    """A model's folder as other processes find it; names of models as they are."""
    return str(Path(model).absolute()) if Path(model).is_dir() else model
