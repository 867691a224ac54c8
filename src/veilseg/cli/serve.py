"""`veilseg serve`: answer HTTP requests with encrypted images."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


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
) -> None:
    """Serve models to clients that send encrypted images; plain images are refused.

    Logs are lines of JSON on stderr. SIGTERM finishes what was accepted. `veilseg token` makes tokens.

    Examples:
      veilseg serve
      veilseg serve street=models/street locked=models/locked --port 9000
      veilseg serve --host 0.0.0.0 --tokens tokens.json --tls-certificate cert.pem --tls-key key.pem
    """
    from veilseg.server.run import serve
    from veilseg.server.settings import Limits, Settings, parse_models

    limits = Limits(queue=queue, batch=batch, body=body << 20, pixels=pixels, memory=memory << 20, timeout=timeout)
    settings = Settings(models=parse_models(models or []), tokens=tokens, limits=limits, device=device, threads=threads)
    serve(settings, host, port, tls_certificate, tls_key)
