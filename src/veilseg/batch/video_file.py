"""Video out: maps and overlays of a video's frames as videos again."""

from __future__ import annotations

import secrets
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from veilseg import formats
from veilseg.batch.video import Frame
from veilseg.errors import UsageError, VeilsegError
from veilseg.files import check_output, refuse_existing

#: Those whose frames have times of their own, as phones' videos do.
SUFFIXES = (".mp4", ".m4v", ".mov", ".mkv", ".webm")
_TICKS = 60000  # a second: whole numbers for 24, 25, 30, 50 and 60 frames, and MPEG-4 takes no more than 65535


def is_video_file(output: str) -> bool:
    """Whether an output names a video file. Raises UsageError for those that are not written."""
    suffix = Path(output).suffix.lower()
    if output.endswith("/"):
        return False
    if suffix in formats.SUFFIXES | formats.OTHER_SUFFIXES:
        raise UsageError(f"{output} names a picture, and a video has many", "name a video, -o maps.mp4, or a folder")
    if suffix not in formats.VIDEO_SUFFIXES:
        return False
    if "://" in output:
        raise UsageError(f"{output}: a video is written on this machine alone", "name a file here, or a folder")
    if suffix not in SUFFIXES:
        raise UsageError(f"{suffix[1:].upper()} is not written", f"name it {Path(output).with_suffix('.mp4').name}")
    return True


class VideoFile:
    """A video that is being written: beside its place, and there once it is whole.

    Used as a context manager, which refuses at once what could not be written; what goes wrong meanwhile leaves nothing
    behind. Pictures keep their times; there is no sound. Raises VeilsegError.
    """

    def __init__(self, path: str, *, force: bool = False) -> None:
        self._target, self._force = Path(path), force
        self._beside = self._target.with_name(f".{secrets.token_hex(6)}{self._target.suffix}")
        self._container: Any = None
        self._stream: Any = None
        self._last = -1

    def add(self, pixels: np.ndarray, time: float) -> None:
        """Append a picture, uint8 RGB [H, W, 3] of the first one's size, to be shown `time` seconds after the first."""
        import av

        height, width = pixels.shape[:2]
        pixels = np.pad(pixels, [(0, height % 2), (0, width % 2), (0, 0)], "edge")  # codecs want even sides
        frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
        self._last = max(round(time * _TICKS), self._last + 1)
        frame.pts, frame.time_base = self._last, Fraction(1, _TICKS)
        with self._writing():
            if self._container is None:
                self._open(*pixels.shape[:2])
            self._container.mux(self._stream.encode(frame))

    def _open(self, height: int, width: int) -> None:
        import av

        self._container = av.open(str(self._beside), "w")
        self._stream = self._container.add_stream(self._container.default_video_codec, rate=30)
        self._stream.height, self._stream.width = height, width
        self._stream.pix_fmt = "yuv420p"
        self._stream.options = {"crf": "18"}
        self._stream.codec_context.time_base = Fraction(1, _TICKS)

    def finish(self) -> None:
        """Put the file in its place."""
        if self._container is None:
            raise VeilsegError("the video has no frames")
        with self._writing():
            self._container.mux(self._stream.encode())
            self._container.close()
        refuse_existing(self._target, overwrite=self._force)  # somebody else may have been faster
        self._beside.replace(self._target)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """FFmpeg's errors, and the system's, as ours, which name the file that is meant."""
        import av

        try:
            yield
        except (av.error.FFmpegError, OSError, ValueError) as error:
            raise VeilsegError(f"{self._target} cannot be written: {error}", "is there room on the disk?") from error

    def __enter__(self) -> VideoFile:
        check_output(self._target, overwrite=self._force)
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(Exception):  # whatever went wrong was reported; a container that cannot be closed adds nothing
            if self._container is not None:
                self._container.close()
        with suppress(FileNotFoundError):
            self._beside.unlink()


def with_maps(
    frames: Iterable[Frame], segment: Callable[[np.ndarray], np.ndarray], *, in_flight: int
) -> Iterator[tuple[Frame, np.ndarray]]:
    """Every frame with its label map, uint8 [H, W], in order; those that are not needed with the last one's.

    `in_flight` are segmented at a time. Raises what `frames` and `segment` raise.
    """
    waiting: deque[tuple[Frame, Future[np.ndarray]]] = deque()
    labels = None
    for frame in frames:
        if frame.needed or labels is None:
            labels = _in_a_thread(segment, frame.pixels)
        waiting.append((frame, labels))
        if len(waiting) == in_flight:
            first, done = waiting.popleft()
            yield first, done.result()
    yield from ((first, done.result()) for first, done in waiting)


def _in_a_thread(segment: Callable[[np.ndarray], np.ndarray], pixels: np.ndarray) -> Future[np.ndarray]:
    """A call that goes on beside ours; nobody waits for it after Ctrl-C, as for the threads of an executor."""
    future: Future[np.ndarray] = Future()

    def run() -> None:
        try:
            future.set_result(segment(pixels))
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return future
