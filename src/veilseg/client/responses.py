"""What a service sends, read as the words of a stranger: limited in size, checked, and nothing but text shown."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

import httpx
import numpy as np

from veilseg.errors import ServiceError, UsageError
from veilseg.inputspec import PLAIN, InputSpec
from veilseg.scale import MAX_LONGER_SIDE, ORIGINAL, enlarge_labels
from veilseg.spec import is_whole, read_spec

_MAX_RESPONSE = 64 << 20  # bytes; a label map of the largest image that a service takes is smaller by far


@dataclass(frozen=True)
class ServiceModel:
    """What GET /v1/model says: the model's name, what it takes, its classes and colours (uint8 [K, 3]), its limits.

    `longer_side`: its working size in pixels, 0 for any.
    """

    name: str
    input: InputSpec
    longer_side: int
    classes: tuple[str, ...]
    palette: np.ndarray
    max_pixels: int
    max_bytes: int

    @classmethod
    def from_response(cls, response: httpx.Response) -> ServiceModel:
        """Read the response of a service. Raises ServiceError when it is not one."""
        try:
            data: Any = response.json()
            plain = data["input"]["cipher"] == PLAIN
            spec = InputSpec(None if plain else read_spec(data["input"]), data["input"]["key_fingerprint"])
            classes = sorted(data["classes"], key=lambda item: int(item["id"]))
            palette = np.array([item["colour"] for item in classes], np.uint8).reshape(-1, 3)
            limits, longer_side = data["limits"], data["input"]["longer_side"]
            if not is_whole(longer_side, ORIGINAL, MAX_LONGER_SIDE):
                raise ValueError(longer_side)
            return cls(
                name=str(data["name"]),
                input=spec,
                longer_side=longer_side,
                classes=tuple(str(item["name"]) for item in classes),
                palette=palette,
                max_pixels=int(limits["image_pixels"]),
                max_bytes=int(limits["body_bytes"]),
            )
        except (KeyError, TypeError, ValueError, OverflowError, RecursionError, UsageError) as error:
            raise ServiceError("the response is not that of a veilseg service", "check the address") from error


class Incoming:
    """A response while it arrives: a service that never stops sending must not fill the client's memory."""

    def __init__(self, head: httpx.Response) -> None:
        self._head, self._body = head, bytearray()

    def add(self, chunk: bytes) -> None:
        """Take the next bytes of the body. Raises ServiceError when there are more than any response has."""
        self._body += chunk
        if len(self._body) > _MAX_RESPONSE:
            raise ServiceError("the service's response is larger than any label map", "nothing of it was used")

    def whole(self) -> httpx.Response:
        """The response with its body, and of its headers the one that clients obey."""
        headers = {name: value for name, value in self._head.headers.items() if name == "retry-after"}
        return httpx.Response(self._head.status_code, headers=headers, content=bytes(self._body))


def labels_of(response: httpx.Response, size: tuple[int, int], wanted: tuple[int, int], classes: int) -> np.ndarray:
    """The label map of a PNG response, enlarged to the size `wanted`: uint8 [H, W].

    Raises ServiceError unless it has the `size` (height, width) of the image that was sent.
    """
    from PIL import Image

    try:
        with Image.open(io.BytesIO(response.content), formats=["PNG"]) as image:
            if image.mode != "P" or image.size != (size[1], size[0]):  # before any pixel is decoded
                raise ValueError
            labels = np.array(image)
    except Exception as error:  # whatever a decoder says of hostile bytes
        raise ServiceError("the service's response is no label map of the image's size", None) from error
    if int(labels.max()) >= classes:
        raise ServiceError("the service's label map holds classes that its model does not have", None)
    return enlarge_labels(labels, *wanted)


def refusal(response: httpx.Response) -> ServiceError:
    """What the service said, as an error; nothing that is not text of a moderate length gets through."""
    try:
        error = response.json()["error"]
        message, hint, request = (str(error[name])[:300] for name in ("message", "hint", "request_id"))
    except (ValueError, KeyError, TypeError, RecursionError):
        message, hint, request = f"status {response.status_code}", "", ""
    if response.status_code == 401:
        hint = "Client(url, token), or --token FILE on the command line"
    printable = (f"the service refused: {message}".rstrip("."), hint)
    message, hint = ("".join(character for character in text if character.isprintable()) for text in printable)
    return ServiceError(
        message + (f" (request {request})" if request else ""), hint or None, status=response.status_code
    )
