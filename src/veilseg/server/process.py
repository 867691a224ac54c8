"""One worker process as the service sees it: started, asked for batches, killed when it hangs."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import Sequence

from veilseg.errors import InvalidModel
from veilseg.modelspec import ModelConfig
from veilseg.server import frames
from veilseg.server.worker import READY, REFUSED


class WorkerGone(Exception):
    """The worker ended, or was ended because it took too long, before it answered."""


class Worker:
    """A running worker and the config of its model; made by `Worker.start`."""

    def __init__(self, process: asyncio.subprocess.Process, config: ModelConfig) -> None:
        self.config = config
        self._process = process

    @classmethod
    async def start(cls, model: str, device: str, threads: int | None) -> Worker:
        """Start a process and wait until it has loaded `model`. InvalidModel, with its own words, if it cannot."""
        # The worker finds the package where this process found it, also when that is not installed; and by -P not in
        # the folder where the service was started, which may hold a json.py of somebody's.
        path = os.pathsep.join(part for part in sys.path if part)
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "veilseg.server.worker", model, device, str(threads or 0)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": path},
        )
        assert process.stdout is not None
        try:
            (hello,) = await frames.receive(process.stdout)
        except BaseException as error:
            await _end(process)
            if isinstance(error, asyncio.IncompleteReadError):
                raise InvalidModel(f"the worker for the model {model!r} ended while it started") from error
            raise
        if hello[:1] == READY:
            return cls(process, ModelConfig.from_json(hello[1:].decode()))
        await _end(process)
        refusal = json.loads(hello[1:])
        raise InvalidModel(refusal["message"], refusal["hint"])

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    async def run(self, batch: Sequence[bytes], timeout: float) -> list[bytes | InvalidModel]:
        """The ids of every file's label map (uint8, row by row), or why it was refused.

        Raises WorkerGone when the worker ends or has not answered in `timeout` seconds; it is dead then.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            async with asyncio.timeout(timeout):
                self._process.stdin.write(frames.pack(batch))
                await self._process.stdin.drain()
                answers = await frames.receive(self._process.stdout)
        except (OSError, EOFError, TimeoutError) as error:
            await _end(self._process)
            raise WorkerGone from error
        return [_refusal(answer) if answer[:1] == REFUSED else answer[1:] for answer in answers]

    async def stop(self) -> None:
        """End the process; what it was computing is lost."""
        await _end(self._process)


def _refusal(answer: bytes) -> InvalidModel:
    said = json.loads(answer[1:])
    return InvalidModel(said["message"], said["hint"])


async def _end(process: asyncio.subprocess.Process) -> None:
    # Not process.kill(): it would reap a process that has just died, before asyncio's own watcher finds it.
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)
    await process.wait()
