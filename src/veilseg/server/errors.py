"""Every refusal of the service: an HTTP status, a code for programs, a sentence and a hint for people, as JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from starlette.responses import JSONResponse

DISCARDED = "The image was discarded."


class RequestError(Exception):
    """A request that is refused. `code` is stable; `message` and `hint` hold no token and nothing of an image.

    `retry_after`: seconds after which trying again makes sense, where it does. `image`: which one of several.
    """

    def __init__(
        self, status: int, code: str, message: str, hint: str = "", *, retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.hint = status, code, message, hint
        self.retry_after = retry_after
        self.image: int | None = None

    def body(self, request_id: str, path: str) -> dict[str, Any]:
        """The JSON of the response: {"error": {...}}; below /v2, {"error": "a text", ...} as its protocol has it."""
        error: dict[str, Any] = {
            "code": self.code,
            "message": self.message,
            "hint": self.hint,
            "request_id": request_id,
        }
        if self.image is not None:
            error["image"] = self.image
        if path == "/v2" or path.startswith("/v2/"):
            return {**error, "error": f"{self.message} {self.hint}".rstrip()}
        return {"error": error}

    def response(self, request_id: str, path: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
        """The response to a request for `path`, with what goes with the status: when to come back, what to show."""
        more = {} if self.retry_after is None else {"Retry-After": str(max(1, math.ceil(self.retry_after)))}
        if self.status == 401:
            more["WWW-Authenticate"] = 'Bearer realm="veilseg"'
        return JSONResponse(self.body(request_id, path), self.status, {**(headers or {}), **more})


def not_for_us(message: str, hint: str | None, *, status: int = 422, code: str = "not_encrypted") -> RequestError:
    """The refusal of an image: it says that nothing was kept, because it may have been a plain one."""
    return RequestError(status, code, f"{message[:1].upper()}{message[1:].rstrip('.')}. {DISCARDED}", hint or "")


def queue_full(retry_after: float) -> RequestError:
    """429: more images wait than the service will hold, or will hold of this client."""
    message, hint = "The queue is full.", "wait as long as Retry-After says, then send it again"
    return RequestError(429, "queue_full", message, hint, retry_after=retry_after)


def unavailable(code: str, message: str, retry_after: float = 1.0) -> RequestError:
    """503: the service cannot take work now, and will be able to soon."""
    return RequestError(
        503, code, message, "wait as long as Retry-After says, then send it again", retry_after=retry_after
    )


def too_late(seconds: float) -> RequestError:
    """504: the response would come after the deadline."""
    message = f"The image was not segmented within {seconds:g} seconds. {DISCARDED}"
    return RequestError(504, "too_late", message, "send fewer images at a time, or smaller ones")
