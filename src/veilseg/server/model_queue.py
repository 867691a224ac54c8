"""The images that wait for one model: bounded, batches of one shape, a model worker that is replaced if it dies."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import deque
from dataclasses import dataclass, field

import numpy as np

from veilseg.errors import InvalidImageError, VeilsegError
from veilseg.modelconfig import ModelConfig
from veilseg.server.errors import RequestError, not_for_us, queue_full, unavailable
from veilseg.server.logs import LOGGER
from veilseg.server.metrics import Metrics
from veilseg.server.model_worker import ModelWorker, WorkerGoneError
from veilseg.server.settings import Limits

_ATTEMPTS = 2
_SLOWEST_RESTART = 30.0
log = logging.getLogger(LOGGER)


@dataclass(eq=False)
class WaitingImage:
    """One image that waits: its file, its true and its stored size (height, width), whose it is, and the label map."""

    data: bytes
    size: tuple[int, int]
    stored: tuple[int, int]
    client: str | None = None
    labels: asyncio.Future[np.ndarray] = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    since: float = field(default_factory=time.monotonic)
    attempts: int = 0

    @property
    def pixels(self) -> int:
        """Pixels that are computed, padding included."""
        return self.stored[0] * self.stored[1]

    def forget(self) -> None:
        """Nobody waits any more: it is not computed, and the file is let go even where the image stands in line."""
        self.labels.cancel()
        self.data = b""


class ModelQueue:
    """The queue of one model: `submit` takes images or refuses them at once; `start` and `stop` frame its life."""

    def __init__(
        self, name: str, model: str, device: str, threads: int | None, limits: Limits, metrics: Metrics
    ) -> None:
        self.name = name
        self._model, self._device, self._threads = model, device, threads
        self._limits, self._metrics = limits, metrics
        self._queue: deque[WaitingImage] = deque()
        self._arrived = asyncio.Event()
        self._worker: ModelWorker | None = None
        self._config: ModelConfig | None = None
        self._loop: asyncio.Task[None] | None = None
        self._watch: asyncio.Task[None] | None = None
        self._pace = 1.0  # seconds per image, as measured lately

    @property
    def config(self) -> ModelConfig:
        """What the model says about itself."""
        assert self._config is not None, "the model was not loaded"
        return self._config

    @property
    def ready(self) -> bool:
        """Whether a worker has the model loaded."""
        return self._worker is not None

    async def start(self) -> None:
        """Load the model. Raises InvalidModelError when it cannot be."""
        self._config = (await self._start_worker()).config
        self._loop = asyncio.create_task(self._serve())

    async def stop(self) -> None:
        """End the worker. Call it when nobody waits any more: what still waits is refused."""
        for task in (self._loop, self._watch):
            if task is not None:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
        if self._worker is not None:
            await self._worker.stop()
        while self._queue:
            _fail(self._queue.popleft(), unavailable("stopping", "The service is stopping."))

    def submit(self, images: list[WaitingImage]) -> None:
        """Take all `images` of a client or none.

        Raises RequestError: 429 when they do not fit the queue, or when the client's own would be more than half of it;
        503 without a worker.
        """
        if not self.ready:
            raise unavailable("not_ready", "The model is being loaded.")
        self._drop_forgotten()
        if len(self._queue) + len(images) > self._limits.queue:
            raise queue_full(self._pace * (len(self._queue) + len(images) - self._limits.queue + 1))
        client = images[0].client
        own = 0 if client is None else sum(image.client == client for image in self._queue)
        if own and own + len(images) > (self._limits.queue + 1) // 2:
            raise queue_full(self._pace * len(images))
        self._queue.extend(images)
        self._note_queue()
        self._arrived.set()

    async def _serve(self) -> None:
        wait = 0.5
        while True:
            worker = self._worker
            if worker is None:
                try:
                    worker = await self._start_worker()
                    wait = 0.5
                except (VeilsegError, OSError):
                    log.error("a worker cannot be started", extra={"model": self.name})
                    await asyncio.sleep(wait)
                    wait = min(2 * wait, _SLOWEST_RESTART)
                    continue
            batch = await self._next_batch(worker)
            if batch:
                await self._compute(worker, batch)
            elif not worker.alive:
                self._lose_worker(images=0)

    async def _start_worker(self) -> ModelWorker:
        self._worker = worker = await ModelWorker.start(self._model, self._device, self._threads)
        self._watch = asyncio.create_task(self._notice_end(worker))
        return worker

    async def _notice_end(self, worker: ModelWorker) -> None:
        """A worker that ends while it has nothing to do is replaced at once, not when the next image meets it."""
        await worker.ended()
        self._arrived.set()

    def _lose_worker(self, images: int) -> None:
        self._worker = None
        log.warning("a worker failed and is replaced", extra={"model": self.name, "images": images})
        self._metrics.restarts.labels(self.name).inc()

    async def _next_batch(self, worker: ModelWorker) -> list[WaitingImage]:
        """The oldest image and those of its shape behind it; waits a few milliseconds for more while there is room.

        Nothing when the worker ends first.
        """
        self._drop_forgotten()
        while not self._queue:
            if not worker.alive:
                return []
            self._arrived.clear()
            await self._arrived.wait()
        first = self._queue[0]
        room = 1 if first.attempts else self._room(first)
        if room > 1 and self._count_like(first) < room:
            await asyncio.sleep(self._limits.batch_wait)
        self._drop_forgotten()
        batch: list[WaitingImage] = []
        rest: deque[WaitingImage] = deque()
        for image in self._queue:
            if len(batch) < room and image.stored == first.stored and (not image.attempts or not batch):
                batch.append(image)
            else:
                rest.append(image)
        self._queue = rest
        self._note_queue()
        return batch

    def _drop_forgotten(self) -> None:
        waiting = deque(image for image in self._queue if not image.labels.done())
        self._metrics.dropped.labels(self.name).inc(len(self._queue) - len(waiting))
        self._queue = waiting

    def _room(self, image: WaitingImage) -> int:
        return max(1, min(self._limits.batch, self._limits.pixels // image.pixels))

    def _count_like(self, first: WaitingImage) -> int:
        return sum(image.stored == first.stored for image in self._queue)

    async def _compute(self, worker: ModelWorker, batch: list[WaitingImage]) -> None:
        start = time.monotonic()
        for image in batch:
            self._metrics.waited.labels(self.name).observe(start - image.since)
        try:
            data, sizes = [image.data for image in batch], [image.size for image in batch]
            results = await worker.run(data, sizes, self._limits.timeout)
        except WorkerGoneError:
            self._lose_worker(images=len(batch))
            self._try_again(batch)
            return
        taken = time.monotonic() - start
        self._pace = 0.8 * self._pace + 0.2 * taken / len(batch)
        self._metrics.batches.labels(self.name).observe(len(batch))
        self._metrics.computed.labels(self.name).observe(taken)
        for image, result in zip(batch, results, strict=True):
            if isinstance(result, InvalidImageError):
                _fail(image, not_for_us(result.message, result.hint))
            elif not image.labels.done():
                image.labels.set_result(result)

    def _try_again(self, batch: list[WaitingImage]) -> None:
        """Images whose worker died go first and one by one, so that one that kills workers harms no other."""
        for image in reversed(batch):
            image.attempts += 1
            if image.attempts >= _ATTEMPTS:
                _fail(image, unavailable("worker_died", "The worker failed twice while it had this image."))
            elif not image.labels.done():
                self._queue.appendleft(image)
        self._note_queue()

    def _note_queue(self) -> None:
        self._metrics.queue.labels(self.name).set(len(self._queue))


def _fail(image: WaitingImage, error: RequestError) -> None:
    if not image.labels.done():
        image.labels.set_exception(error)
