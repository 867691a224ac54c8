"""Heads of requests that are refused before anything else is looked at."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.types import Scope

from veilseg.server.errors import RequestError
from veilseg.server.settings import is_loopback

#: Bytes of a request's first line and headers.
MAX_HEAD = 16 << 10


def refuse_head(scope: Scope, *, open_to_all: bool) -> RequestError | None:
    """Why a request is refused by its head alone; None for one that goes on.

    open_to_all: no tokens are needed. Then a web page elsewhere must not be able to use the service, neither by a name
    that was made to point here nor by sending requests to 127.0.0.1.
    """
    headers: list[tuple[bytes, bytes]] = scope["headers"]
    size = (
        len(scope["raw_path"]) + len(scope["query_string"]) + sum(len(name) + len(value) + 4 for name, value in headers)
    )
    if size > MAX_HEAD:
        return RequestError(431, "head_too_long", f"The head has more than {MAX_HEAD} bytes.", "send fewer headers")
    names = [name for name, _ in headers]
    if b"transfer-encoding" in names and b"content-length" in names:
        message = "Content-Length and Transfer-Encoding contradict each other."
        return RequestError(400, "two_lengths", message, "send one of them")
    if open_to_all and not _is_local(_first(headers, b"host")):
        message = "Without tokens the service answers only to names of this machine."
        return RequestError(421, "not_local", message, "use http://127.0.0.1, or start it with --tokens")
    if _is_cross_site(scope["method"], headers, open_to_all=open_to_all):
        return RequestError(403, "cross_site", "Pages of other sites may not use the service.", "open its own page")
    return None


def _first(headers: list[tuple[bytes, bytes]], wanted: bytes) -> str:
    return next((value for name, value in headers if name == wanted), b"").decode("latin-1")


def _is_local(host: str) -> bool:
    """Whether a Host header names this machine."""
    name = host[1 : host.find("]")] if host.startswith("[") else host.partition(":")[0]
    return is_loopback(name)


def _is_cross_site(method: str, headers: list[tuple[bytes, bytes]], *, open_to_all: bool) -> bool:
    """Whether a browser says that another site's page sends this request; following a link to here is none."""
    site, mode = _first(headers, b"sec-fetch-site"), _first(headers, b"sec-fetch-mode")
    if site:
        return site not in ("same-origin", "none") and not (mode == "navigate" and method in ("GET", "HEAD"))
    origin = _first(headers, b"origin")
    # Behind a proxy the Host may be another than the browser's; tokens keep strangers out there.
    return bool(origin) and open_to_all and _authority(origin) != _first(headers, b"host").lower()


def _authority(origin: str) -> str:
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""
