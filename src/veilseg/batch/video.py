"""Video as tasks, one for every frame: of a file all of them, of a camera the newest."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, Full, Queue
from typing import Any

import numpy as np

from veilseg.batch.locations import address_of, join, location_of
from veilseg.batch.plan import Task
from veilseg.errors import InvalidImageError, UsageError
from veilseg.formats import VIDEO_SUFFIXES


@dataclass(frozen=True)
class FrameTask(Task):
    """A frame, uint8 RGB [H, W, 3], that is to become a file."""

    pixels: np.ndarray

    def read(self) -> tuple[Any, ...]:
        return (self.pixels,)


def is_video(source: str) -> bool:
    """Whether a name is that of a video file or of a camera (/dev/video0)."""
    return Path(source).suffix.lower() in VIDEO_SUFFIXES or _is_camera(source)


def _is_camera(source: str) -> bool:
    return source.startswith("/dev/video")


def frames(source: str) -> Iterator[np.ndarray]:
    """The frames of a video file or camera, uint8 RGB [H, W, 3]. Raises InvalidImageError when it cannot be read."""
    try:
        import av
    except ImportError as error:
        raise UsageError("video needs the package av", 'pip install "veilseg[video]"') from error
    try:
        with av.open(source, format="v4l2" if _is_camera(source) else None) as container:
            for frame in container.decode(video=0):
                yield frame.to_ndarray(format="rgb24")
    except (av.error.FFmpegError, IndexError, OSError) as error:
        raise InvalidImageError(
            f"{source} cannot be read as a video", "MP4, MKV, WebM, AVI and cameras are read"
        ) from error


def frame_tasks(source: str, output: str, *, force: bool = False) -> Iterator[FrameTask]:
    """A task for every frame, to be written to the folder `output` as 000000.png, 000001.png, ...

    A camera has no end, and does not wait: each time a task is taken, it is that of the newest frame. Its frames are
    new ones each time, and none is skipped: UsageError when the folder has frames already (force: they are replaced).
    """
    folder = address_of(output)
    where = location_of(folder)
    where.check(folder, folder=True)
    live = _is_camera(source)
    if live and not force and any(name.endswith(".png") for name, _ in where.files(folder, None)):
        raise UsageError(f"{output} holds other frames already", "name a new folder, or replace them with --force")
    images = enumerate(frames(source))
    return (
        FrameTask((f"{source}, frame {number}",), (join(folder, f"{number:06d}.png"),), image)
        for number, image in (newest(images) if live else images)
    )


def newest(frames: Iterator[tuple[int, np.ndarray]]) -> Iterator[tuple[int, np.ndarray]]:
    """Of what comes without waiting for us, always the last one; the others are dropped."""
    slot: Queue[tuple[int, np.ndarray] | BaseException | None] = Queue(1)

    def put(item: tuple[int, np.ndarray] | BaseException | None) -> None:
        while True:
            try:
                return slot.put_nowait(item)
            except Full:
                with suppress(Empty):
                    slot.get_nowait()

    def watch() -> None:
        try:
            for frame in frames:
                put(frame)
            put(None)
        except BaseException as error:
            put(error)

    threading.Thread(target=watch, daemon=True).start()
    while (frame := slot.get()) is not None:
        if isinstance(frame, BaseException):
            raise frame
        yield frame
