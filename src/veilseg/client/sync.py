"""The client for ordinary code: every call waits for its response."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from veilseg.client.exchange import Exchange, Retries
from veilseg.client.responses import ServiceModel, labels_of
from veilseg.client.sending import ask_model, send_image

if TYPE_CHECKING:
    from veilseg.ciphers import EncryptedImage
    from veilseg.keys import Key

T = TypeVar("T")


class Client:
    """A service. Encrypts on this machine; plain images are never sent.

    May be used by several threads, and as a context manager.

    Args:
        url: its address.
        token: one of `veilseg token add`.
        key: the one that the service's model is encrypted with, if any; never sent.
        model: the name of one of its models; None: the service's first.
        timeout: seconds for one attempt, from looking up the name to the last byte of the response.
        retries: how refusals are dealt with.
        longer_side: larger photographs are reduced to so many pixels before they are encrypted (0: never); None: the
            model's working size, as long as that shows no more than the product's default.

    Raises:
        UsageError: for an address that is none.

    Examples:
        >>> import numpy as np
        >>> image = np.zeros((240, 320, 3), np.uint8)
        >>> with Client(URL) as client:  # e.g. "http://127.0.0.1:8000"
        ...     labels = client.segment(image)
        >>> labels.shape, labels.dtype
        ((240, 320), dtype('uint8'))
    """

    def __init__(
        self,
        url: str = "http://127.0.0.1:8000",
        token: str | None = None,
        *,
        key: Key | None = None,
        model: str | None = None,
        timeout: float = 120.0,
        retries: Retries | None = None,
        longer_side: int | None = None,
    ) -> None:
        self._exchange = Exchange(url, token, key, model, retries or Retries(), longer_side, timeout)
        self._http = self._exchange.open()
        self._model: ServiceModel | None = None
        self._asking, self._starting = threading.Lock(), threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def model(self) -> ServiceModel:
        """What the service's model is and takes; asked for once. Raises ServiceError when it cannot be had."""
        with self._asking:
            if self._model is None:
                self._model = self._run(ask_model(self._http, self._exchange))
            return self._model

    @property
    def longer_side(self) -> int:
        """The working size in pixels, 0 for any: ours, else the model's."""
        return self._exchange.longer_side_for(self.model)

    def encrypt(self, image: object) -> EncryptedImage:
        """What `segment` would send for a photograph; nothing is sent. `shows` says what anybody sees in it."""
        return self._exchange.encrypt(image, self.model)

    def segment(self, image: object) -> np.ndarray:
        """Encrypt an image as the model needs it, and let the service segment it.

        Args:
            image: uint8 RGB [H, W, 3], a PIL image, whatever else `Cipher.encrypt` takes, or an EncryptedImage.

        Returns:
            The label map, uint8 [H, W] at the photograph's own size: every value an index into `model.classes`.

        Raises:
            InvalidImageError: for what cannot be encrypted, or is too large for the service.
            InvalidKeyError: when our key is missing, or not the model's.
            ServiceError: when the service refuses, cannot be reached, or asks for plain images.
        """
        model = self.model
        sent = self._exchange.request(image, model)
        response = self._run(send_image(self._http, self._exchange, sent))
        return labels_of(response, sent.size, sent.wanted, len(model.classes))

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of `work`, which runs in a thread of this client's, started on first use."""
        with self._starting:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                threading.Thread(target=_run_until_stopped, args=(self._loop,), daemon=True).start()
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()  # Ctrl-C here ends it there
            raise

    def close(self) -> None:
        """Close the connections."""
        if self._loop is not None:
            self._run(self._http.aclose())
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._loop = None

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _run_until_stopped(loop: asyncio.AbstractEventLoop) -> None:
    loop.run_forever()
    loop.close()
