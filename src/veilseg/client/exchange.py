"""How a client talks to a service, without any input or output: shared by the sync and the async client."""

from __future__ import annotations

import logging
import random
import ssl
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx

from veilseg import __version__
from veilseg.cells import finer_than_default, usual_side, warn_of_cells
from veilseg.ciphers import Cipher, EncryptedImage, cipher_for
from veilseg.ciphers.plain import as_pixels
from veilseg.client.responses import ServiceModel, refusal
from veilseg.client.surroundings import certificates, is_loopback, proxy_for, proxy_name
from veilseg.errors import InvalidImageError, InvalidKeyError, ServiceError, UsageError
from veilseg.scale import ORIGINAL, check_longer_side

if TYPE_CHECKING:
    from veilseg.keys import Key

#: A service that asks for smaller sub-blocks than this asks for what is nearly the plain image.
LEAST_SUB_BLOCK = 4
#: The same for the ciphers without sub-blocks, which mix the values of a block.
LEAST_BLOCK = 8
logger = logging.getLogger("veilseg.client")
# 500: a machine of a cluster that died with the request. To segment an image twice harms nobody.
_RETRIED = (429, 500, 502, 503)


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
class Sent:
    """The body of a request; `size` (height, width) of the image in it, `wanted` that of the label map."""

    body: bytes
    size: tuple[int, int]
    wanted: tuple[int, int]


class Exchange:
    """The rules of one client: how requests are made, and what responses mean."""

    def __init__(
        self,
        url: str,
        token: str | None,
        key: Key | None,
        model: str | None,
        retries: Retries,
        longer_side: int | None,
        timeout: float,
    ) -> None:
        scheme, host = _address(url)
        if token and not (token.isascii() and token.isprintable() and " " not in token):
            raise UsageError("the token holds what no token holds", "give it as `veilseg token add` wrote it")
        if not timeout > 0:
            raise UsageError(f"an attempt takes more than {timeout} seconds")
        if longer_side is not None:
            check_longer_side(longer_side)
        self.base_url = url.rstrip("/")
        self.key, self.retries, self.timeout, self._longer_side = key, retries, timeout, longer_side
        self._proxy = proxy_for(scheme, host)
        self._certificates = certificates(needed=scheme == "https" or bool(self._proxy))
        # No compressed responses: 2 kB may be 2 GB.
        self._headers = {"User-Agent": f"veilseg/{__version__}", "Accept-Encoding": "identity"}
        if token:
            self._headers["Authorization"] = f"Bearer {token}"
        if scheme == "http" and (token or self._proxy) and not is_loopback(host):
            what = "the token and the encrypted images travel" if token else "the encrypted images travel"
            through = f" through the proxy {proxy_name(self._proxy)}" if self._proxy else ""
            warnings.warn(f"{what} over plain HTTP to {host}{through}; use https", UserWarning, stacklevel=4)
        self.query = {} if model is None else {"model": model}

    def open(self) -> httpx.AsyncClient:
        """The HTTP client; it takes nothing from the environment itself, and has no timeouts of single steps."""
        secure = self._certificates if (self._proxy or "").startswith("https:") else None
        return httpx.AsyncClient(
            base_url=self.base_url,
            headers=self._headers,
            timeout=None,
            proxy=httpx.Proxy(self._proxy, ssl_context=secure) if self._proxy else None,
            verify=self._certificates,
            trust_env=False,
        )

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

    def longer_side_for(self, model: ServiceModel) -> int:
        """The working size in pixels: ours, else the model's.

        Raises ServiceError when the model asks for pictures that show more than the product's default unasked.
        """
        encryption = model.input.encryption
        if self._longer_side is not None:
            return self._longer_side
        if encryption is not None and finer_than_default(encryption, model.longer_side):
            own = model.longer_side == ORIGINAL
            size, asked = (
                ("at their own size", "original") if own else (f"of {model.longer_side} pixels", model.longer_side)
            )
            raise ServiceError(
                f"the service asks for pictures {size} with cells of {encryption.cell} pixels, which show more than "
                "this client sends unasked",
                f"nothing was sent; longer_side={usual_side(encryption)} (--longer-side on the command line) shows no "
                f"more than the default, {asked} is what it asks for",
            )
        return model.longer_side

    def encrypt(self, image: object, model: ServiceModel) -> EncryptedImage:
        """A photograph as it will be sent: at the working size, encrypted as the model needs it.

        Warns where that shows more than the product's default.
        """
        cipher, longer_side = self.cipher_for(model), self.longer_side_for(model)
        made = cipher.encrypt(image, self.key if cipher.key_use == "required" else None, longer_side=longer_side)
        longest = max(made.header.height, made.header.width)
        if finer_than_default(cipher.spec, longest):
            warnings.warn(warn_of_cells(cipher.spec, longest), UserWarning, stacklevel=4)
        return made

    def request(self, image: object, model: ServiceModel) -> Sent:
        """What will be sent for `image`. Encrypts what is not encrypted.

        This is the only place where a request's body is made, and it returns nothing but encrypted images.
        """
        if isinstance(image, EncryptedImage):
            encrypted, wanted = image, (image.header.height, image.header.width)
            model.input.check(encrypted.header)
        else:
            pixels = as_pixels(image)
            encrypted, wanted = self.encrypt(pixels, model), (pixels.shape[0], pixels.shape[1])
        header = encrypted.header
        if header.padded_size[0] * header.padded_size[1] > model.max_pixels:
            hint = f"it takes {model.max_pixels / 1e6:g} million pixels; scale it down"
            raise InvalidImageError(f"an image of {header.width} x {header.height} is too large for the service", hint)
        data = encrypted.to_bytes()
        if len(data) > model.max_bytes:
            hint = f"it takes {model.max_bytes} bytes; scale the image down"
            raise InvalidImageError(f"the encrypted image is too large for the service: {len(data)} bytes", hint)
        return Sent(data, (header.height, header.width), wanted)

    def failure(self, attempt: int, response: httpx.Response | httpx.TransportError | TimeoutError) -> float:
        """Seconds to wait before the next attempt. Raises ServiceError when there is to be none."""
        if isinstance(response, httpx.Response):
            wait = self.retries.wait(attempt, response.headers.get("retry-after"))
            if wait is None or response.status_code not in _RETRIED:
                raise refusal(response)
            return wait
        if _is_untrusted(response):
            hint = "for a certificate of your own: SSL_CERT_FILE=cert.pem"
            raise ServiceError(f"the certificate of {self.base_url} is not trusted", hint) from response
        wait = self.retries.wait(attempt, None)
        if wait is None or not isinstance(response, httpx.NetworkError | httpx.RemoteProtocolError):
            late = isinstance(response, TimeoutError)
            happened = f"did not respond within {self.timeout:g} s" if late else "cannot be reached"
            through = f" through the proxy {proxy_name(self._proxy)}" if self._proxy else ""
            what = f"the service at {self.base_url} {happened}{through}"
            raise ServiceError(what, "is it running? is the address right?") from response
        if attempt == 0:
            logger.info("the service at %s cannot be reached; trying again", self.base_url)
        return wait


def _address(url: str) -> tuple[str, str]:
    """The scheme and the host of a service's address. Raises UsageError for what is none."""
    try:
        parts = urlsplit(url)
        good = parts.port != 0 and not parts.query and not parts.fragment and not parts.username
        httpx.URL(url)
        if good and parts.scheme in ("http", "https") and parts.hostname:
            return parts.scheme, parts.hostname
    except (ValueError, httpx.InvalidURL):
        pass
    raise UsageError(f"{url!r} is no address of a service", "for example http://127.0.0.1:8000")


def _is_untrusted(error: Exception) -> bool:
    """Whether a connection failed because of the service's certificate."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, ssl.SSLCertVerificationError):
        cause = cause.__cause__ or cause.__context__
    return cause is not None
