"""`veilseg serve`: answer HTTP requests with encrypted images."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from veilseg.errors import UsageError


def command(
    models: Annotated[
        list[str] | None,
        typer.Argument(metavar="[MODEL]...", help="Shipped names, folders, NAME=FOLDER; first: default."),
    ] = None,
    host: Annotated[str, typer.Option("--host", metavar="ADDRESS", help="Others than loopback need --tokens.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option("--port", metavar="PORT", min=0, max=65535)] = 8000,
    tokens: Annotated[
        Path | None, typer.Option("--tokens", metavar="FILE", help="Clients need a token of this file.")
    ] = None,
    tls_certificate: Annotated[Path | None, typer.Option(metavar="FILE", help="PEM file; TLS is on with it.")] = None,
    tls_key: Annotated[Path | None, typer.Option(metavar="FILE", help="PEM file of the certificate's key.")] = None,
    device: Annotated[str, typer.Option(metavar="NAME", help="cpu or cuda.")] = "cpu",
    threads: Annotated[int | None, typer.Option(metavar="N", min=1, help="Default: one per core.")] = None,
    queue: Annotated[int, typer.Option(metavar="N", help="Images that may wait; more are refused with 429.")] = 32,
    batch: Annotated[int, typer.Option(metavar="N", help="Images of one shape that are computed together.")] = 4,
    body: Annotated[int, typer.Option(metavar="MIB", help="Size of a request.")] = 32,
    pixels: Annotated[int, typer.Option(metavar="N", help="Pixels of an image.")] = 8_000_000,
    memory: Annotated[int, typer.Option(metavar="MIB", help="All requests at a time; beyond it: 503.")] = 512,
    timeout: Annotated[float, typer.Option(metavar="SECONDS", help="From a request's last byte to its answer.")] = 60.0,
    ray: Annotated[
        bool, typer.Option("--ray", help="On the Ray cluster at RAY_ADDRESS; without one, as several processes here.")
    ] = False,
    replicas: Annotated[
        str | None, typer.Option(metavar="N", help="With --ray: 3, or 2-8 for as many as the load needs. Default: 2.")
    ] = None,
) -> None:
    """Serve models to clients that send encrypted images; plain images are refused.

    Logs are lines of JSON on stderr. SIGTERM finishes what was accepted. `veilseg token` makes tokens.

    With --ray every replica reserves --threads cores (default: 1). The same command again, with other models, replaces
    a service on a cluster, one replica after the other; models and tokens must have the same names on every machine.

    Examples:
      veilseg serve
      veilseg serve street=models/street locked=models/locked --port 9000
      veilseg serve --ray --replicas 2-8 --threads 2
      veilseg serve --host 0.0.0.0 --tokens tokens.json --tls-certificate cert.pem --tls-key key.pem
    """
    from veilseg.server.settings import Limits, Settings, parse_models

    limits = Limits(queue=queue, batch=batch, body=body << 20, pixels=pixels, memory=memory << 20, timeout=timeout)
    settings = Settings(models=parse_models(models or []), tokens=tokens, limits=limits, device=device, threads=threads)
    if ray:
        from veilseg.cluster.serving import DEFAULT_REPLICAS, parse_replicas, serve_on_ray

        serve_on_ray(settings, host, port, tls_certificate, tls_key, parse_replicas(replicas or DEFAULT_REPLICAS))
        return
    if replicas is not None:
        raise UsageError("--replicas belongs to --ray", "add --ray, or leave --replicas out")
    from veilseg.server.run import serve

    serve(settings, host, port, tls_certificate, tls_key)
