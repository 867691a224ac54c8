"""`veilseg segment`: encrypted images in, label maps out, with a model on this machine or a service elsewhere."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from veilseg.cli import batch
from veilseg.cli.common import TOKEN_VARIABLE, KeyFile, ModelName, Threads, Window, load_key
from veilseg.errors import UsageError

if TYPE_CHECKING:
    from veilseg.client import Client


def command(
    images: batch.Images,
    output: batch.ImageOutput = None,
    model: ModelName = "default",
    overlay: Annotated[
        str | None,
        typer.Option("--overlay", metavar="PATH", help="Also blend the label map with --photo; a folder for several."),
    ] = None,
    photo: Annotated[
        str | None, typer.Option("--photo", metavar="PATH", help="The photograph for --overlay; a folder for several.")
    ] = None,
    cityscapes_ids: Annotated[
        bool,
        typer.Option("--cityscapes-ids", help="Write grey PNGs of label ids, as Cityscapes' evaluation server wants."),
    ] = False,
    window: Window = None,
    threads: Threads = None,
    ray: batch.OnRay = False,
    server: Annotated[
        str | None,
        typer.Option("--server", metavar="URL", help="Encrypt photographs here, let a service segment them."),
    ] = None,
    token: Annotated[
        Path | None, typer.Option("--token", metavar="FILE", help=f"Token for --server. Default: {TOKEN_VARIABLE}.")
    ] = None,
    key: KeyFile = None,
    in_flight: Annotated[int, typer.Option(metavar="N", min=1, help="Images on their way to --server.")] = 8,
    force: batch.Again = False,
) -> int:
    """Segment encrypted images; every pixel of the PNG written is a class id, shown in the model's colours.

    The model sees no key and no photograph: --photo is read only to blend the finished map with it. Key-invariant
    models, like the default, answer the same for every key. A service gets photographs encrypted, and also videos and
    cameras (/dev/video0), frame by frame. Folders, and outputs that exist, are as in `veilseg encrypt`.

    Examples:
      veilseg segment encrypted.png -o labels.png
      veilseg segment encrypted.png -o labels.png --overlay seen.png --photo photo.jpg
      veilseg segment encrypted/ -o labels/ --model my-model/
      veilseg segment photos/ -o labels/ --server http://127.0.0.1:8000
      veilseg segment clip.mp4 -o labels/ --server http://127.0.0.1:8000
    """
    if server is not None:
        if overlay or photo or cityscapes_ids or window or threads or ray:
            raise UsageError(
                "--overlay, --photo, --cityscapes-ids, --window, --threads and --ray are for models on this machine",
                "leave them or --server out",
            )
        with _client(server, token, key, model) as client:
            return _by_service(images, output, client, in_flight, force)
    if token or key:
        raise UsageError("--token and --key belong to --server", "--server http://127.0.0.1:8000")
    if (overlay is None) != (photo is None):
        raise UsageError("--overlay and --photo belong together", "--overlay seen.png --photo photo.jpg")
    from veilseg.batch import Segment, make_plan, with_overlays

    plan = make_plan(images, output, verb="segment")
    if overlay is not None and photo is not None:
        plan = with_overlays(plan, photo, overlay)
    operation = Segment(model, window=window, threads=threads, cityscapes_ids=cityscapes_ids)
    return batch.run(plan, operation, batch.executor_of(ray), force=force)


def _client(url: str, token: Path | None, key: Path | None, model: str) -> Client:
    """The client that the options mean; nothing is sent yet."""
    from veilseg.client import Client
    from veilseg.files import read_limited

    secret = os.environ.get(TOKEN_VARIABLE) or None
    if token is not None:
        secret = read_limited(token, 4096).decode("ascii", "replace").strip()
    return Client(url, secret, key=load_key(key), model=None if model == "default" else model)


def _by_service(images: Sequence[str], output: str | None, client: Client, in_flight: int, force: bool) -> int:
    from veilseg.batch import SegmentByService, Summary, make_plan, run_by_service
    from veilseg.batch.video import frame_tasks, is_video

    operation, executor = SegmentByService(client), partial(run_by_service, in_flight=in_flight)
    if not any(is_video(image) for image in images):
        return batch.run(make_plan(images, output, verb="segment"), operation, executor, force=force)
    if len(images) != 1 or output is None:
        raise UsageError("one video at a time, into a folder", "veilseg segment clip.mp4 -o labels/ --server URL")
    frames = frame_tasks(images[0], output, force=force)
    return batch.report(executor(frames, operation, force=force), Summary(), operation.doing, None)
