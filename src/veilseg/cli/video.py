"""What `encrypt` and `segment` do with a video or a camera: its frames, into folders or into videos again."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING

from veilseg.cli import batch
from veilseg.cli.common import progress_bar
from veilseg.cli.messages import note
from veilseg.errors import UsageError

if TYPE_CHECKING:
    from veilseg.batch import Encrypt
    from veilseg.client import Client


def is_video(images: Sequence[str]) -> bool:
    """Whether the inputs are a video. Raises UsageError for a video among others."""
    from veilseg.batch import video

    if not any(video.is_video(image) for image in images):
        return False
    if len(images) != 1:
        raise UsageError("one video at a time, and without images", "veilseg segment clip.mp4 -o maps.mp4 --server URL")
    return True


def encrypt(source: str, output: str | None, operation: Encrypt, *, every: int, force: bool) -> int:
    """Write the frames of a video, encrypted, into a folder."""
    from veilseg.batch import Summary, run_here
    from veilseg.batch.video import every_nth, frame_tasks, open_frames, pictures_in
    from veilseg.batch.video_file import is_video_file

    if output is None or output == "-" or is_video_file(output):
        raise UsageError("encrypted frames are files of their own: videos would blur them", "name a folder: -o FOLDER")
    if not force:
        operation.check_existing(pictures_in(output))
    tasks = frame_tasks(source, every_nth(open_frames(source), every), output, force=force)
    return batch.report(run_here(tasks, operation, force=force), Summary(), operation.doing, None)


def segment(
    source: str, output: str | None, client: Client, overlay: str | None, *, every: int, in_flight: int, force: bool
) -> int:
    """Let a service segment the frames of a video: into folders, or into videos, of maps and perhaps of overlays."""
    from veilseg.batch import SegmentByService, Summary, run_by_service
    from veilseg.batch.video import every_nth, frame_tasks, open_frames
    from veilseg.batch.video_file import is_video_file

    if output is None or output == "-":
        raise UsageError("no output is named", "add -o maps.mp4, or -o FOLDER for a map per frame")
    outputs = [output] if overlay is None else [output, overlay]
    videos = [is_video_file(each) for each in outputs]
    frames = every_nth(open_frames(source), every)
    if any(videos):
        if not all(videos):
            raise UsageError("maps and overlays are both videos, or both folders", "-o maps.mp4 --overlay seen.mp4")
        return _to_videos(source, outputs, client, every=every, in_flight=in_flight, force=force)
    operation = SegmentByService(client, overlay is not None)
    tasks = frame_tasks(source, frames, *outputs, force=force)
    executor = partial(run_by_service, in_flight=in_flight)
    return batch.report(executor(tasks, operation, force=force), Summary(), operation.doing, None)


def _to_videos(source: str, outputs: Sequence[str], client: Client, *, every: int, in_flight: int, force: bool) -> int:
    """Write a video of maps, and perhaps one of overlays. A camera's end with Ctrl-C."""
    from veilseg.batch.video import every_nth, is_camera, open_frames
    from veilseg.batch.video_file import VideoFile, with_maps
    from veilseg.runtime.labels import colorize, overlay

    palette, count = client.model.palette, 0
    with ExitStack() as stack:
        files = [stack.enter_context(VideoFile(output, force=force)) for output in outputs]
        for file in files:
            file.check()
        pairs = with_maps(every_nth(open_frames(source), every), client.segment, in_flight=in_flight)
        try:
            with progress_bar(None, "segmenting") as step:
                for frame, labels in pairs:
                    pictures = [colorize(labels, palette), overlay(frame.pixels, labels, palette)]
                    for file, picture in zip(files, pictures, strict=False):
                        file.add(picture, frame.time)
                    count += 1
                    step()
        except KeyboardInterrupt:
            if not is_camera(source):
                raise
        for file in files:
            file.finish()
    note(f"{count} frames done")
    return 0
