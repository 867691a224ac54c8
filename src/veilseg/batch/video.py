"""Video in: the frames of a file, all of them, or of a camera, the newest; and frames as tasks that become files."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, Full, Queue
from typing import Any

import numpy as np

from veilseg.batch.locations import address_of, join, location_of
from veilseg.batch.plan import Task
from veilseg.errors import InvalidImageError, UsageError, VeilsegError
from veilseg.formats import VIDEO_SUFFIXES
from veilseg.install import install_hint
from veilseg.steady import Steady, changed


@dataclass(frozen=True)
class Frame:
    """One picture of a video, upright.

    Attributes:
        number: from 0.
        time: seconds since the first frame.
        pixels: uint8 RGB [H, W, 3].
        needed: whether it is to be segmented; where it is not, the last one's map stands for it.
    """

    number: int
    time: float
    pixels: np.ndarray
    needed: bool = True


@dataclass(frozen=True)
class FrameTask(Task):
    """A frame, uint8 RGB [H, W, 3], that is to become files."""

    pixels: np.ndarray

    def read(self) -> tuple[Any, ...]:
        return (self.pixels,)


def is_video(source: str) -> bool:
    """Whether a name is that of a video file or of a camera (/dev/video0)."""
    return Path(source).suffix.lower() in VIDEO_SUFFIXES or is_camera(source)


def is_camera(source: str) -> bool:
    """Whether frames come from there without an end, and without waiting for us."""
    return source.startswith("/dev/video")


def open_frames(source: str) -> Iterator[Frame]:
    """The frames of a file; of a camera, each time one is taken, the newest. Raises as `frames`."""
    return newest(frames(source)) if is_camera(source) else frames(source)


def frames(source: str) -> Iterator[Frame]:
    """All frames of a video file or camera. Raises InvalidImageError when it cannot be read, UsageError without av."""
    if not Path(source).exists():
        raise VeilsegError(f"{source} does not exist", "check the name")
    try:
        import av
    except ImportError as error:
        raise UsageError("video needs the package av", install_hint("video")) from error
    try:
        with av.open(source, format="v4l2" if is_camera(source) else None) as container:
            rate = float(container.streams.video[0].average_rate or 30)
            start = None
            for number, frame in enumerate(container.decode(video=0)):
                time = number / rate if frame.time is None else frame.time
                start = time if start is None else start
                # Phones store what they record as the sensor lies, and say how it is to be turned.
                upright = np.rot90(frame.to_ndarray(format="rgb24"), round(frame.rotation / 90))
                yield Frame(number, time - start, np.ascontiguousarray(upright))
    except (av.error.FFmpegError, IndexError, OSError) as error:
        raise InvalidImageError(
            f"{source} cannot be read as a video", "MP4, MKV, WebM, AVI and cameras are read"
        ) from error


def choose(frames: Iterable[Frame], *, every: int = 1, standing: bool = False) -> Iterator[Frame]:
    """Frames, of which not all are needed: of `every` in a row the first alone.

    standing: the camera stands. Frames are laid onto the first one, and needed only when something moved since the last
    that was; see `veilseg.steady`.
    """
    steady, last, turn = Steady(), None, -1
    for frame in frames:
        needed, pixels = frame.number // every != turn, frame.pixels  # of a camera, some numbers never come
        turn = frame.number // every
        if standing:
            pixels = steady.register(pixels)
            needed = needed and (last is None or changed(last, pixels))
            last = pixels if needed else last
        yield Frame(frame.number, frame.time, pixels, needed)


def frame_tasks(source: str, frames: Iterable[Frame], *outputs: str, force: bool = False) -> Iterator[FrameTask]:
    """A task for every frame that is needed, to be written to each of the folders `outputs` as 000000.png, ...

    A camera's frames are new ones each time, and none is skipped: UsageError when a folder has frames already (force:
    they are replaced).
    """
    folders = [address_of(output) for output in outputs]
    for folder in folders:
        location_of(folder).check(folder, folder=True)
        if is_camera(source) and not force and pictures_in(folder):
            raise UsageError(f"{folder} holds other frames already", "name a new folder, or replace them with --force")
    return (
        FrameTask(
            (f"{source}, frame {frame.number}",),
            tuple(join(folder, f"{frame.number:06d}.png") for folder in folders),
            frame.pixels,
        )
        for frame in frames
        if frame.needed
    )


def pictures_in(folder: str) -> list[str]:
    """The addresses of what may be frames in a folder."""
    names = (name for name, _ in location_of(folder).files(folder, None))
    return [join(folder, name) for name in names if name.endswith(".png")]


def newest(frames: Iterator[Frame]) -> Iterator[Frame]:
    """Of what comes without waiting for us, always the last one; the others are dropped."""
    slot: Queue[Frame | BaseException | None] = Queue(1)

    def put(item: Frame | BaseException | None) -> None:
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
