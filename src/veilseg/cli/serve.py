"""`veilseg serve`: answer HTTP requests with encrypted images."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from veilseg.errors import UsageError

MODELS = "Shipped names, folders, NAME=FOLDER; first: default."
HOST = "Others than loopback need --tokens. [127.0.0.1]"
TRACES = "Send one OpenTelemetry span per request to this collector (OTLP over HTTP)."
RAY = "On the Ray cluster at RAY_ADDRESS; without one, as several processes here."


def command(
    models: Annotated[list[str] | None, typer.Argument(metavar="[MODEL]...", help=MODELS)] = None,
    host: Annotated[str | None, typer.Option(metavar="ADDRESS", help=HOST)] = None,
    port: Annotated[int | None, typer.Option(metavar="PORT", help="[8000]")] = None,
    tokens: Annotated[Path | None, typer.Option(metavar="FILE", help="Clients need a token of this file.")] = None,
    tls_certificate: Annotated[Path | None, typer.Option(metavar="FILE", help="PEM file; TLS is on with it.")] = None,
    tls_key: Annotated[Path | None, typer.Option(metavar="FILE", help="PEM file of the certificate's key.")] = None,
    device: Annotated[str | None, typer.Option(metavar="NAME", help="cpu or cuda. [cpu]")] = None,
    threads: Annotated[int | None, typer.Option(metavar="N", help="[one per core]")] = None,
    queue: Annotated[int | None, typer.Option(metavar="N", help="Images that wait; more: 429. [32]")] = None,
    batch: Annotated[int | None, typer.Option(metavar="N", help="Images computed together. [4]")] = None,
    body: Annotated[int | None, typer.Option(metavar="MIB", help="Size of a request. [32]")] = None,
    pixels: Annotated[int | None, typer.Option(metavar="N", help="Pixels of an image. [8000000]")] = None,
    memory: Annotated[int | None, typer.Option(metavar="MIB", help="All requests; beyond it: 503. [512]")] = None,
    timeout: Annotated[float | None, typer.Option(metavar="SECONDS", help="To respond in. [60]")] = None,
    traces: Annotated[str | None, typer.Option(metavar="URL", help=TRACES)] = None,
    ray: Annotated[bool, typer.Option("--ray", help=RAY)] = False,
    replicas: Annotated[str | None, typer.Option(metavar="N", help="With --ray: 3, or 2-8 by load. [2]")] = None,
) -> None:
    """Serve models to clients that send encrypted images; plain images are refused.

    Logs are lines of JSON on stderr. SIGTERM finishes what was accepted. `veilseg token` makes tokens. What is not
    given is taken from the environment (VEILSEG_SERVE_QUEUE=64), else it is as in brackets.

    With --ray every replica reserves --threads cores (default: 1). The same command again, with other models, replaces
    a service on a cluster, one replica after the other; models and tokens must have the same names on every machine.

    Examples:
      veilseg serve
      veilseg serve street=models/street encrypted=models/encrypted --port 9000
      veilseg serve --ray --replicas 2-8 --threads 2
      veilseg serve --host 0.0.0.0 --tokens tokens.json --tls-certificate cert.pem --tls-key key.pem
    """
    from veilseg.server.settings import Limits, Settings, parse_models

    sizes = {name: f"{size}MiB" for name, size in (("body", body), ("memory", memory)) if size is not None}
    limits = _given(queue=queue, batch=batch, pixels=pixels, timeout=timeout, **sizes)
    files = _given(tokens=tokens, tls_certificate=tls_certificate, tls_key=tls_key)
    named = parse_models(models) if models else None
    settings = Settings(
        limits=Limits(**limits),
        **files,
        **_given(models=named, host=host, port=port, traces=traces, device=device, threads=threads),
    )
    if ray:
        if settings.traces is not None:
            raise UsageError("--traces is for a service without --ray", "Ray has traces of its own")
        from veilseg.cluster.serving import DEFAULT_REPLICAS, parse_replicas, serve_on_ray

        serve_on_ray(settings, parse_replicas(replicas or DEFAULT_REPLICAS))
        return
    if replicas is not None:
        raise UsageError("--replicas belongs to --ray", "add --ray, or leave --replicas out")
    from veilseg.server.serve import serve

    serve(settings)


def _given(**options: Any) -> dict[str, Any]:
    """What the command line says; the rest is the environment's."""
    return {name: value for name, value in options.items() if value is not None}
