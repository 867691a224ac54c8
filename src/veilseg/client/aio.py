"""The client for asyncio: the same as `Client`, with calls that are awaited."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import numpy as np

from veilseg.client.exchange import Exchange, Retries
from veilseg.client.responses import ServiceModel, labels_of
from veilseg.client.sending import ask_model, send_image

if TYPE_CHECKING:
    from veilseg.ciphers import EncryptedImage
    from veilseg.keys import Key


class AsyncClient:
    """`Client` for asyncio, with the same arguments; to be used in one event loop, and as a context manager.

    Encryption runs in threads, so that it does not hold up the loop.

    Examples:
        >>> import asyncio
        >>> import numpy as np
        >>> async def segment(images):
        ...     async with AsyncClient(URL) as client:  # e.g. "http://127.0.0.1:8000"
        ...         return await asyncio.gather(*(client.segment(image) for image in images))
        >>> [labels.shape for labels in asyncio.run(segment([np.zeros((240, 320, 3), np.uint8)] * 2))]
        [(240, 320), (240, 320)]
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
        self._asking = asyncio.Lock()

    async def model(self) -> ServiceModel:
        """What the service's model is and takes; asked for once. Raises ServiceError when it cannot be had."""
        async with self._asking:
            if self._model is None:
                self._model = await ask_model(self._http, self._exchange)
            return self._model

    async def encrypt(self, image: object) -> EncryptedImage:
        """What `segment` would send for a photograph; nothing is sent."""
        return await asyncio.to_thread(self._exchange.encrypt, image, await self.model())

    async def segment(self, image: object) -> np.ndarray:
        """The label map of `image`, uint8 [H, W] at its size; takes and raises what `Client.segment` does."""
        model = await self.model()
        sent = await asyncio.to_thread(self._exchange.request, image, model)
        response = await send_image(self._http, self._exchange, sent)
        return await asyncio.to_thread(labels_of, response, sent.size, sent.wanted, len(model.classes))

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
