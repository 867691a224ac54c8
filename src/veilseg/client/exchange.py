"""What client and service say to each other, without any input or output: shared by the sync and the async client."""

from __future__ import annotations

import io
import ipaddress
import random
import ssl
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx
import numpy as np

from veilseg import __version__
from veilseg.ciphers import Cipher, EncryptedImage, cipher_for
from veilseg.errors import InvalidImageError, InvalidKeyError, ServiceError, UsageError
from veilseg.inputspec import PLAIN, InputSpec
from veilseg.spec import read_spec

if TYPE_CHECKING:
    from veilseg.keys import Key

#: A service that asks for smaller sub-blocks than this asks for what is nearly the plain image.
LEAST_SUB_BLOCK = 4
#: The same for the ciphers without sub-blocks, which mix the values of a block.
LEAST_BLOCK = 8
# 500: a machine of a cluster that died with the request. To segment an image twice harms nobody.
_RETRIED = (429, 500, 502, 503)
_MAX_RESPONSE = 64 << 20  # bytes; a label map of the largest image that a service takes is smaller by far


@dataclass(frozen=True)
class Retries:
    """How often and how patiently a refused request (429, 500, 502, 503, no connection) is sent again.

    Before attempt n the client waits a random time up to first_wait * 2**n seconds, but at least what Retry-After says
    and at most longest_wait; a service that asks for more than longest_wait is given up.
    """

    attempts: int = 6
    first_wait: float = 0.5
    longest_wait: float = 60.0

    def wait(self, attempt: int, retry_after: str | None) -> float | None:
        """Seconds to wait after the failed attempt number `attempt` (from 0); None to give up."""
        if attempt + 1 >= self.attempts:
            return None
        asked = float(retry_after) if retry_after and retry_after.isascii() and retry_after.isdigit() else 0.0
        if asked > self.longest_wait:
            return None
        # Random, so that clients that were refused together do not come back together.
        return min(self.longest_wait, asked + random.uniform(0, self.first_wait * 2**attempt))


@dataclass(frozen=True)
class ServiceModel:
    """What GET /v1/model says: the model's name, what it takes, its classes and colours (uint8 [K, 3]), its limits."""

    name: str
    input: InputSpec
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
            limits = data["limits"]
            return cls(
                name=str(data["name"]),
                input=spec,
                classes=tuple(str(item["name"]) for item in classes),
                palette=palette,
                max_pixels=int(limits["image_pixels"]),
                max_bytes=int(limits["body_bytes"]),
            )
        except (KeyError, TypeError, ValueError, OverflowError, RecursionError, UsageError) as error:
            raise ServiceError("the response is not that of a veilseg service", "check the address") from error


class Exchange:
    """The rules of one client: how requests are made, and what responses mean."""

    def __init__(self, url: str, token: str | None, key: Key | None, model: str | None, retries: Retries) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.username:
            raise UsageError(f"{url!r} is no address of a service", "for example http://127.0.0.1:8000")
        if token and parts.scheme == "http" and not _is_loopback(parts.hostname):
            message = f"the token travels unencrypted to {parts.hostname}; use https"
            warnings.warn(message, UserWarning, stacklevel=4)
        self.base_url = url.rstrip("/")
        self.headers = {"User-Agent": f"veilseg/{__version__}"}
        if token:
            self.headers["Authorization"] = f"Bearer {token}"
        self.key, self.retries = key, retries
        self.query = {} if model is None else {"model": model}

    def cipher_for(self, model: ServiceModel) -> Cipher:
        """The cipher that the model needs.

        Raises, before anything is encrypted or sent:
            ServiceError: when the service asks for plain images or for something close to them.
            InvalidKeyError: when our key is missing or not the model's.
        """
        spec = model.input
        if spec.encryption is None:
            raise ServiceError("the service asks for plain images", "nothing was sent; do not use this service")
        least = LEAST_SUB_BLOCK if spec.encryption.facts.sub_blocks else LEAST_BLOCK
        if spec.encryption.cell < least:
            raise ServiceError(
                f"the service asks for images that are mixed in squares of {spec.encryption.cell} pixels only",
                f"nothing was sent; {least} pixels are the least that this client agrees to",
            )
        if spec.keyed:
            if self.key is None:
                hint = f"the key with the fingerprint {spec.key_fingerprint}"
                raise InvalidKeyError("the service's model needs a key", hint)
            if self.key.fingerprint != spec.key_fingerprint:
                raise InvalidKeyError(
                    f"the service's model belongs to the key {spec.key_fingerprint}, not {self.key.fingerprint}",
                    "nothing was sent; use the model's key",
                )
        return cipher_for(spec.encryption)

    def body(self, image: object, model: ServiceModel) -> tuple[bytes, tuple[int, int]]:
        """The bytes that will be sent for `image` and its true size (height, width). Encrypts what is not encrypted.

        This is the only place where a request's body is made, and it returns nothing but encrypted images.
        """
        cipher = self.cipher_for(model)
        if isinstance(image, EncryptedImage):
            encrypted = image
            model.input.check(encrypted.header)
        else:
            encrypted = cipher.encrypt(image, self.key if cipher.key_use == "required" else None)
        header = encrypted.header
        if header.padded_size[0] * header.padded_size[1] > model.max_pixels:
            hint = f"it takes {model.max_pixels / 1e6:g} million pixels; scale it down"
            raise InvalidImageError(f"an image of {header.width} x {header.height} is too large for the service", hint)
        data = encrypted.to_bytes()
        if len(data) > model.max_bytes:
            hint = f"it takes {model.max_bytes} bytes; scale the image down"
            raise InvalidImageError(f"the encrypted image is too large for the service: {len(data)} bytes", hint)
        return data, (header.height, header.width)

    def failure(self, attempt: int, response: httpx.Response | httpx.TransportError) -> float:
        """Seconds to wait before the next attempt. Raises ServiceError when there is to be none."""
        if isinstance(response, httpx.Response):
            wait = self.retries.wait(attempt, response.headers.get("retry-after"))
            if wait is None or response.status_code not in _RETRIED:
                raise _refusal(response)
            return wait
        if _is_untrusted(response):
            hint = "for a certificate of your own: SSL_CERT_FILE=cert.pem"
            raise ServiceError(f"the certificate of {self.base_url} is not trusted", hint) from response
        wait = self.retries.wait(attempt, None)
        if wait is None or not isinstance(response, httpx.NetworkError | httpx.RemoteProtocolError):
            late = isinstance(response, httpx.TimeoutException)
            what = f"the service at {self.base_url} {'did not respond in time' if late else 'cannot be reached'}"
            raise ServiceError(what, "is it running? is the address right?") from response
        return wait


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


def labels_of(response: httpx.Response, size: tuple[int, int], classes: int) -> np.ndarray:
    """The label map of a PNG response, uint8 [H, W]. Raises ServiceError unless it fits the image that was sent."""
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
    return labels


def _refusal(response: httpx.Response) -> ServiceError:
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


def _is_untrusted(error: httpx.TransportError) -> bool:
    """Whether a connection failed because of the service's certificate."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, ssl.SSLCertVerificationError):
        cause = cause.__cause__ or cause.__context__
    return cause is not None


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
