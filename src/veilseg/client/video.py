"""Video through a service, frame by frame: a bounded number in flight, answers in the order of the frames."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from veilseg.client.aio import AsyncClient
from veilseg.errors import InvalidImageError, UsageError
from veilseg.files import write_atomic

SUFFIXES = frozenset({".avi", ".m4v", ".mkv", ".mov", ".mp4", ".mpg", ".webm"})


@dataclass(frozen=True)
class Frame:
    """One frame: its number in the source (from 0), its pixels uint8 [H, W, 3], its label map uint8 [H, W]."""

    number: int
    image: np.ndarray
    labels: np.ndarray


def is_video(source: str) -> bool:
    """Whether a name is that of a video file or of a camera (/dev/video0)."""
    return Path(source).suffix.lower() in SUFFIXES or is_camera(source)


def is_camera(source: str) -> bool:
    """Whether a name is that of a camera of this machine."""
    return source.startswith("/dev/video")


def frames(source: str) -> Iterator[np.ndarray]:
    """The frames of a video file or camera, uint8 RGB [H, W, 3]. Raises InvalidImageError when it cannot be read."""
    try:
        import av
    except ImportError as error:
        raise UsageError("video needs the package av", 'pip install "veilseg[video]"') from error
    try:
        with av.open(source, format="v4l2" if is_camera(source) else None) as container:
            for frame in container.decode(video=0):
                yield frame.to_ndarray(format="rgb24")
    except (av.error.FFmpegError, IndexError, OSError) as error:
        raise InvalidImageError(
            f"{source} cannot be read as a video", "MP4, MKV, WebM, AVI and cameras are read"
        ) from error


async def segment_video(client: AsyncClient, source: str, *, in_flight: int = 4) -> AsyncIterator[Frame]:
    """Every frame of a file with its label map, in order, with at most `in_flight` on their way.

    Of a camera, frames are left out while `in_flight` are on their way: the newest counts, and nothing piles up. Ends
    with the first error: InvalidImageError of the source, or what AsyncClient.segment raises.
    """
    if in_flight < 1:
        raise UsageError("at least one frame has to be in flight")
    live = is_camera(source)
    decoder = frames(source)
    waiting: deque[tuple[int, np.ndarray, asyncio.Task[np.ndarray]]] = deque()
    number = -1
    try:
        while (image := await asyncio.to_thread(next, decoder, None)) is not None:
            number += 1
            if len(waiting) >= in_flight:
                if live and not waiting[0][2].done():
                    continue
                yield await _first(waiting)
            waiting.append((number, image, asyncio.create_task(client.segment(image))))
            while live and waiting and waiting[0][2].done():
                yield await _first(waiting)
        while waiting:
            yield await _first(waiting)
    finally:
        for _, _, task in waiting:
            task.cancel()
        await asyncio.gather(*(task for _, _, task in waiting), return_exceptions=True)


async def _first(waiting: deque[tuple[int, np.ndarray, asyncio.Task[np.ndarray]]]) -> Frame:
    number, image, task = waiting[0]
    labels = await task
    waiting.popleft()
    return Frame(number, image, labels)


async def save_frames(
    client: AsyncClient,
    source: str,
    folder: Path,
    encode: Callable[[np.ndarray, np.ndarray], bytes],
    *,
    in_flight: int = 4,
    force: bool = False,
    step: Callable[[], None] = lambda: None,
) -> int:
    """Write every frame's label map to `folder` as 000000.png, 000001.png, ...; returns how many.

    encode(labels, palette) makes a file of a label map. A camera goes on until it is interrupted. Raises as
    `segment_video` does; frames written before stay.
    """
    palette = (await client.model()).palette
    folder.mkdir(parents=True, exist_ok=True)
    count = 0
    async for frame in segment_video(client, source, in_flight=in_flight):
        file = await asyncio.to_thread(encode, frame.labels, palette)
        await asyncio.to_thread(write_atomic, folder / f"{frame.number:06d}.png", file, overwrite=force)
        count += 1
        step()
    return count
