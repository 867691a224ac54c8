"""What a service sends, read as the words of a stranger: limited in size, checked, and nothing but text shown."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import httpx
import numpy as np

from veilseg.errors import ServiceError, UsageError
from veilseg.inputspec import PLAIN, InputSpec
from veilseg.scale import MAX_LONGER_SIDE, ORIGINAL, enlarge_labels
from veilseg.spec import is_whole, read_spec

#: Ids are one byte, and 255 is no class.
MAX_CLASSES = 255
#: Pixels or bytes: more than any image has.
MOST = 1 << 48
#: Bytes: a label map of the largest image that a service takes is smaller by far, and so is what a model is.
MAX_LABELS, MAX_TEXT = 64 << 20, 1 << 20


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
            given, limits, classes = data["input"], data["limits"], data["classes"]
            spec = InputSpec(None if given["cipher"] == PLAIN else read_spec(given), given["key_fingerprint"])
            if [item["id"] for item in classes] != list(range(len(classes))) or not 0 < len(classes) <= MAX_CLASSES:
                raise ValueError("classes")
            return cls(
                name=shown(_text(data["name"])),
                input=spec,
                longer_side=_whole(given["longer_side"], ORIGINAL, MAX_LONGER_SIDE),
                classes=tuple(shown(_text(item["name"])) for item in classes),
                palette=np.array([_colour(item["colour"]) for item in classes], np.uint8),
                max_pixels=_whole(limits["image_pixels"], 1, MOST),
                max_bytes=_whole(limits["body_bytes"], 1, MOST),
            )
        except (KeyError, TypeError, ValueError, AttributeError, RecursionError, UsageError) as error:
            raise ServiceError("the response is not that of a veilseg service", "check the address") from error


def shown(text: str) -> str:
    """A stranger's text as a terminal may show it: of moderate length, without what moves a cursor or turns lines."""
    return "".join(character for character in text[:300] if character.isprintable())


def _whole(value: object, least: int, most: int) -> int:
    if not is_whole(value, least, most):
        raise ValueError("no whole number in its range")
    return cast("int", value)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("no text")
    return value


def _colour(value: Sequence[object]) -> list[int]:
    red, green, blue = value
    return [_whole(part, 0, 255) for part in (red, green, blue)]


class Incoming:
    """A response while it arrives: a service that never stops sending must not fill the client's memory."""

    def __init__(self, head: httpx.Response, most: int) -> None:
        """`most`: bytes of the body. Raises ServiceError for a compressed body: nobody asked for it."""
        if head.headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
            raise ServiceError(
                "the service's response is compressed, which was not asked for", "nothing of it was used"
            )
        self._head, self._body = head, bytearray()
        self._most = most if head.status_code == 200 else min(most, MAX_TEXT)

    def add(self, chunk: bytes) -> None:
        """Take the next bytes of the body. Raises ServiceError when there are more than any response has."""
        self._body += chunk
        if len(self._body) > self._most:
            raise ServiceError("the service's response is larger than any that it has", "nothing of it was used")

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
        message, hint, request = (shown(_text(error[name] or "")) for name in ("message", "hint", "request_id"))
    except (ValueError, KeyError, TypeError, RecursionError):
        message, hint, request = f"status {response.status_code}", "", ""
        if response.status_code == 404:
            hint = "is this the address of a veilseg service?"
    if response.status_code == 401:
        hint = "Client(url, token), or --token FILE on the command line"
    message = f"the service refused: {message}".rstrip(".") + (f" (request {request})" if request else "")
    return ServiceError(message, hint or None, status=response.status_code)
