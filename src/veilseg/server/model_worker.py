"""A model worker as the service sees it: started, asked for batches, killed when it hangs or talks nonsense."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import Sequence

import numpy as np

from veilseg.errors import InvalidImageError, InvalidModelError
from veilseg.modelconfig import ModelConfig
from veilseg.server import frames
from veilseg.server.model_worker_main import LABELS, READY, REFUSED

_MAX_TEXT = 1 << 20  # bytes of a config or a refusal


class WorkerGoneError(Exception):
    """The worker ended, or was ended because it took too long or answered nonsense."""


class ModelWorker:
    """A running worker and the config of its model; made by `ModelWorker.start`."""

    def __init__(self, process: asyncio.subprocess.Process, config: ModelConfig) -> None:
        self.config = config
        self._process = process

    @classmethod
    async def start(cls, model: str, device: str, threads: int | None) -> ModelWorker:
        """Start a process and wait until it has loaded `model`. InvalidModelError, with its own words, if it cannot."""
        # The worker finds the package where this process found it, also when that is not installed; and by -P not in
        # the folder where the service was started, which may hold a json.py of somebody's.
        path = os.pathsep.join(part for part in sys.path if part)
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "veilseg.server.model_worker_main", model, device, str(threads or 0)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": path},
        )
        assert process.stdout is not None
        try:
            (hello,) = await frames.receive(process.stdout, 1, _MAX_TEXT)
            if hello[:1] != READY:
                raise InvalidModelError(*_refusal(hello))
            return cls(process, ModelConfig.from_json(hello[1:].decode()))
        except BaseException as error:
            await _end(process)
            if isinstance(error, InvalidModelError) or not isinstance(error, Exception):
                raise
            raise InvalidModelError(f"the worker for the model {model!r} ended while it started") from error

    async def run(
        self, batch: Sequence[bytes], sizes: Sequence[tuple[int, int]], timeout: float
    ) -> list[np.ndarray | InvalidImageError]:
        """The label map of every file, uint8 of its size (height, width), or why it was refused.

        Raises WorkerGoneError when the worker ends, has not answered in `timeout` seconds or answers anything else; it
        is dead then.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        most = sum(max(1 + height * width, _MAX_TEXT) for height, width in sizes)
        try:
            async with asyncio.timeout(timeout):
                self._process.stdin.write(frames.pack(batch))
                await self._process.stdin.drain()
                results = await frames.receive(self._process.stdout, len(batch), most)
            classes = len(self.config.classes)
            return [_result(result, size, classes) for result, size in zip(results, sizes, strict=True)]
        except Exception as error:  # whatever a process that decodes strangers' files may have become
            await _end(self._process)
            raise WorkerGoneError from error

    @property
    def alive(self) -> bool:
        """Whether the process still runs, as far as is known here."""
        return self._process.returncode is None

    async def ended(self) -> None:
        """Wait until the process is no more, for whatever reason."""
        await self._process.wait()

    async def stop(self) -> None:
        """End the process; what it was computing is lost."""
        await _end(self._process)


def _result(message: bytes, size: tuple[int, int], classes: int) -> np.ndarray | InvalidImageError:
    """One part of a message. Raises ValueError, or what reading JSON raises, for one that the worker never sends."""
    if message[:1] == REFUSED:
        return InvalidImageError(*_refusal(message))
    labels = np.frombuffer(message, np.uint8, offset=1).reshape(size)
    if message[:1] != LABELS or int(labels.max()) >= classes:
        raise ValueError("no label map")
    return labels


def _refusal(message: bytes) -> tuple[str, str | None]:
    said = json.loads(message[1:])
    return str(said["message"]), said["hint"] and str(said["hint"])


async def _end(process: asyncio.subprocess.Process) -> None:
    # Not process.kill(): it would reap a process that has just died, before asyncio's own watcher finds it.
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)
    await process.wait()
