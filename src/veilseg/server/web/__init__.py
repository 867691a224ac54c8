"""The web client: a handful of files, read when the service starts and served under their own names, nothing else."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".jpg": "image/jpeg",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
}


def web_routes() -> list[Route]:
    """A route for every file of this folder, and / for index.html. No path of a request ever becomes a file's name."""
    routes = []
    for path in sorted(Path(__file__).parent.iterdir()):
        if path.suffix in _TYPES:
            where = "/" if path.name == "index.html" else f"/{path.name}"
            routes.append(Route(where, _serve(path.read_bytes(), _TYPES[path.suffix]), methods=["GET"]))
    return routes


def _serve(content: bytes, kind: str) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        return Response(content, headers={"Content-Type": kind, "Cache-Control": "no-cache"})

    return endpoint
