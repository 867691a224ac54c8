"""What `encrypt` and `segment` do with a video or a camera: its frames, into folders or into videos again."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from veilseg.cli import batch
from veilseg.cli.common import progress_bar
from veilseg.cli.messages import note
from veilseg.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from veilseg.batch import Encrypt
    from veilseg.batch.video import Frame
    from veilseg.client import Client

Every = Annotated[
    int, typer.Option("--every", metavar="N", min=1, help="Of a video, only every Nth frame; its map stands for all.")
]
Standing = Annotated[
    bool,
    typer.Option(
        "--standing",
        help="The video's camera stands still: lay its frames onto the first, and take those alone in which something "
        "moves. Many frames show less then.",
    ),
]


def is_video(images: Sequence[str], every: int, standing: bool) -> bool:
    """Whether the input is a video. Raises UsageError for one among others, and for its options without one."""
    from veilseg.batch import video

    if not any(video.is_video(image) for image in images):
        if every > 1 or standing:
            raise UsageError("--every and --standing are for videos and cameras", "leave them out")
        return False
    if len(images) != 1:
        raise UsageError("one video at a time, and without images", "veilseg segment clip.mp4 -o maps.mp4 --server URL")
    return True


def open_frames(source: str, every: int, standing: bool) -> Iterator[Frame]:
    """The frames of a video, as the options choose them."""
    from veilseg.batch import video

    return video.choose(video.open_frames(source), every=every, standing=standing)


def encrypt(source: str, output: str | None, operation: Encrypt, frames: Iterator[Frame], *, force: bool) -> int:
    """Write the frames of a video, encrypted, into a folder."""
    from veilseg.batch import Summary, run_here
    from veilseg.batch.locations import address_of
    from veilseg.batch.video import frame_tasks, pictures_in
    from veilseg.batch.video_file import is_video_file

    if output is None or output == "-" or is_video_file(output):
        raise UsageError("encrypted frames do not survive in a video, only in files", "name a folder: -o FOLDER")
    if not force:
        operation.check_existing(pictures_in(address_of(output)))
    tasks = frame_tasks(source, frames, output, force=force)
    return batch.report(run_here(tasks, operation, force=force), Summary(), operation.doing, None)


def segment(
    source: str,
    output: str | None,
    overlay: str | None,
    client: Client,
    frames: Iterator[Frame],
    *,
    in_flight: int,
    force: bool,
) -> int:
    """Let a service segment the frames of a video: into folders, or into videos, of maps and perhaps of overlays."""
    from veilseg.batch import SegmentByService, Summary, run_by_service
    from veilseg.batch.video import frame_tasks
    from veilseg.batch.video_file import is_video_file

    if output is None or output == "-":
        raise UsageError("no output is named", "add -o maps.mp4, or -o FOLDER for a map per frame")
    outputs = [output] if overlay is None else [output, overlay]
    videos = [is_video_file(each) for each in outputs]
    if all(videos):
        return _to_videos(source, outputs, client, frames, in_flight=in_flight, force=force)
    if any(videos):
        raise UsageError("maps and overlays are both videos, or both folders", "-o maps.mp4 --overlay seen.mp4")
    operation = SegmentByService(client, overlay is not None)
    tasks = frame_tasks(source, frames, *outputs, force=force)
    executor = partial(run_by_service, in_flight=in_flight)
    return batch.report(executor(tasks, operation, force=force), Summary(), operation.doing, None)


def _to_videos(
    source: str, outputs: Sequence[str], client: Client, frames: Iterator[Frame], *, in_flight: int, force: bool
) -> int:
    """Write a video of maps, and perhaps one of overlays. A camera's end with Ctrl-C."""
    from veilseg.batch.video import is_camera
    from veilseg.batch.video_file import VideoFile, with_maps
    from veilseg.files import file_identity
    from veilseg.runtime.labels import colorize, overlay

    if len({file_identity(each) for each in (source, *outputs)}) <= len(outputs):
        raise UsageError("the video, its maps and its overlays need three names", "name the outputs otherwise")
    if not force and all(Path(output).exists() for output in outputs):
        note(f"skipped: {' and '.join(outputs)} exists; --force does it again")
        return 0
    palette, done, sent = client.model.palette, 0, 0
    with ExitStack() as stack:
        files = [stack.enter_context(VideoFile(output, force=force)) for output in outputs]
        try:
            with progress_bar(None, "segmenting") as step:
                for frame, labels in with_maps(frames, client.segment, in_flight=in_flight):
                    files[0].add(colorize(labels, palette), frame.time)
                    for file in files[1:]:
                        file.add(overlay(frame.pixels, labels, palette), frame.time)
                    done, sent = done + 1, sent + frame.needed
                    step()
        except KeyboardInterrupt:
            if not is_camera(source):
                raise
        for file in files:
            file.finish()
    note(f"{done} frames done, of which {sent} were sent")
    return 0
