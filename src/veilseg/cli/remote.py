"""What `veilseg segment --server` does: one image, many images or a video through a service."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from veilseg.cli import batch
from veilseg.cli.common import TOKEN_VARIABLE, load_key, progress_bar
from veilseg.cli.messages import note
from veilseg.errors import UsageError

if TYPE_CHECKING:
    from veilseg.client import AsyncClient, Client


@dataclass
class Remote:
    """The options that say which service is meant, and how many images are on their way at a time."""

    url: str
    token: Path | None
    key: Path | None
    model: str | None
    in_flight: int

    def segment(self, images: Sequence[str], output: str | None, *, resume: bool, force: bool) -> int:
        """Segment `images` into `output`; the exit code."""
        from veilseg.client.video import is_video

        if any(is_video(image) for image in images):
            if resume:
                raise UsageError("--resume is for images, not for videos", "leave it out, and name a new folder")
            return self._video(images, output, force)
        jobs = batch.plan(images, output, verb="segment")
        if jobs.folder is None:
            if resume and Path(jobs.jobs[0][1]).exists():
                return 0
            with self._client() as client:
                return batch.run(jobs, lambda data, _: _one(client, data), doing="segmenting", force=force)
        return asyncio.run(self._folder(jobs, jobs.folder, resume, force))

    async def _folder(self, jobs: batch.Plan, folder: Path, resume: bool, force: bool) -> int:
        from veilseg.client.folder import segment_files
        from veilseg.runtime.labels import encode_label_png

        async with self._async_client() as client:
            await client.model()
            folder.mkdir(parents=True, exist_ok=True)
            with progress_bar(len(jobs.jobs), "segmenting") as step:
                try:
                    summary = await segment_files(
                        client,
                        jobs.jobs,
                        encode_label_png,
                        in_flight=self.in_flight,
                        resume=resume,
                        force=force,
                        step=step,
                    )
                except asyncio.CancelledError:  # Ctrl-C
                    note(f"interrupted: what is in {folder} is whole; the same command with --resume does the rest")
                    raise
        for line in summary.lines():
            note(line)
        if summary.failed and not resume:
            note("hint: the same command with --resume does what is missing")
        return 1 if summary.failed else 0

    def _video(self, images: Sequence[str], output: str | None, force: bool) -> int:
        from veilseg.client.video import save_frames
        from veilseg.runtime.labels import encode_label_png

        if len(images) != 1 or output is None:
            raise UsageError("one video at a time, into a folder", "veilseg segment clip.mp4 -o labels/ --server URL")

        async def run() -> int:
            folder, count = Path(output), self.in_flight
            async with self._async_client() as client:
                with progress_bar(None, "segmenting") as step:
                    return await save_frames(
                        client, images[0], folder, encode_label_png, in_flight=count, force=force, step=step
                    )

        note(f"{asyncio.run(run())} frames written to {output}")
        return 0

    def _client(self) -> Client:
        from veilseg.client import Client

        return Client(self.url, self._token(), key=load_key(self.key), model=self.model)

    def _async_client(self) -> AsyncClient:
        from veilseg.client import AsyncClient

        return AsyncClient(self.url, self._token(), key=load_key(self.key), model=self.model)

    def _token(self) -> str | None:
        if self.token is not None:
            from veilseg.files import read_limited

            return read_limited(self.token, 4096).decode("ascii", "replace").strip()
        return os.environ.get(TOKEN_VARIABLE) or None


def _one(client: Client, data: bytes) -> bytes:
    from veilseg.client.folder import read_image
    from veilseg.runtime.labels import encode_label_png

    return encode_label_png(client.segment(read_image(data)), client.model.palette)
