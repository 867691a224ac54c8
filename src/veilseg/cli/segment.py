"""`veilseg segment`: encrypted images in, label maps out, with a model on this machine or a service elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from veilseg.cli import batch, configuration, video
from veilseg.cli.common import KeyFile, LongerSide, Threads, Window, load_key
from veilseg.cli.messages import note, notes_of
from veilseg.errors import UsageError

if TYPE_CHECKING:
    from veilseg.batch import Plan
    from veilseg.client import Client


def command(
    images: batch.Images,
    output: batch.ImageOutput = None,
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            metavar="NAME",
            help="A shipped model's name (default: default), or a folder; of a service, the name of one of its models.",
        ),
    ] = None,
    overlay: Annotated[
        str | None,
        typer.Option(
            "--overlay", metavar="PATH", help="Also blend the label map with the photograph; a folder for several."
        ),
    ] = None,
    areas: Annotated[
        str | None,
        typer.Option(
            "--areas", metavar="PATH", help="Also write the classes' shares, as a service's JSON; a folder for several."
        ),
    ] = None,
    rle: Annotated[
        str | None,
        typer.Option("--rle", metavar="PATH", help="Also write COCO's RLE of every class, as a service does."),
    ] = None,
    legend: Annotated[
        str | None, typer.Option("--legend", metavar="PATH", help="Also write classes, colours and percent as CSV.")
    ] = None,
    photo: Annotated[
        str | None,
        typer.Option("--photo", metavar="PATH", help="The photograph of an encrypted image: the map gets its size."),
    ] = None,
    cityscapes_ids: Annotated[
        bool,
        typer.Option("--cityscapes-ids", help="Write grey PNGs of label ids, as Cityscapes' evaluation server wants."),
    ] = False,
    longer_side: LongerSide = None,
    window: Window = None,
    threads: Threads = None,
    ray: batch.OnRay = False,
    server: Annotated[
        str | None,
        typer.Option("--server", metavar="URL", help="Encrypt photographs here, let a service segment them."),
    ] = None,
    token: Annotated[
        Path | None,
        typer.Option(
            "--token",
            metavar="FILE",
            help="File with the token for --server. Default: VEILSEG_TOKEN, the token itself, or the file that "
            "VEILSEG_TOKEN_FILE names.",
        ),
    ] = None,
    key: KeyFile = None,
    in_flight: Annotated[int, typer.Option(metavar="N", min=1, help="Images on their way to --server.")] = 8,
    every: video.Every = 1,
    standing: video.Standing = False,
    force: batch.Again = False,
) -> int:
    """Segment encrypted images; every pixel of the PNG written is a class id, shown in the model's colours.

    The model sees no key and no photograph: --photo only gives the finished map its size and an overlay. Key-invariant
    models, like the default, answer the same for every key. A service gets photographs encrypted at its model's working
    size (--longer-side changes it, as for plain models here); their maps come back at the photograph's own size. It
    also gets videos and cameras (/dev/video0), whose maps become a folder or a video. Folders, photographs of several
    images, and outputs that exist are as in `veilseg encrypt`. Of one image the classes' shares are said too.

    VEILSEG_SERVER, VEILSEG_TOKEN_FILE and VEILSEG_MODEL, and after them server, token_file and model in
    ~/.config/veilseg/veilseg.toml, stand for options that are left out; --server here is this machine.

    Examples:
      veilseg segment encrypted.png -o labels.png
      veilseg segment encrypted.png -o labels.png --overlay seen.png --photo photo.jpg
      veilseg segment encrypted.png -o labels.png --areas areas.json --rle rle.json --legend legend.csv
      veilseg segment encrypted/ -o labels/ --model my-model/
      veilseg segment photos/ -o labels/ --overlay seen/ --server http://127.0.0.1:8000
      veilseg segment clip.mp4 -o maps.mp4 --overlay seen.mp4 --server http://127.0.0.1:8000
      veilseg segment /dev/video0 -o labels/ --standing --server http://127.0.0.1:8000
    """
    answers = {name: path for name, path in (("areas", areas), ("rle", rle), ("legend", legend)) if path is not None}
    chosen = configuration.choose(server, token, model)
    if chosen.server is not None:
        if cityscapes_ids or window or threads or ray:
            raise UsageError(
                "--cityscapes-ids, --window, --threads and --ray are for models on this machine",
                "leave them or --server out",
            )
        with notes_of("veilseg.client"), _client(chosen, key, longer_side) as client:
            if video.is_video(images, every, standing):
                if photo is not None:
                    raise UsageError("a video's frames are its photographs", "leave --photo out")
                if answers:
                    raise UsageError(f"--{next(iter(answers))} is for pictures", "segment the frames as a folder")
                _say_cells(client)
                frames = video.open_frames(images[0], every, standing)
                return video.segment(images[0], output, overlay, client, frames, in_flight=in_flight, force=force)
            return _by_service(images, output, client, photo, overlay, answers, in_flight, force)
    if video.is_video(images, 1, False):
        raise UsageError(
            "a video is segmented through a service",
            "add --server URL; or veilseg encrypt clip.mp4 -o frames/, then veilseg segment frames/ -o labels/",
        )
    if token or key or every > 1 or standing:
        raise UsageError("--token, --key, --every and --standing belong to --server", "--server http://127.0.0.1:8000")
    from veilseg.batch import Segment, make_plan

    plan = _completed(make_plan(images, output, verb="segment"), photo, overlay, answers)
    operation = Segment(
        chosen.model or "default",
        window=window,
        threads=threads,
        longer_side=longer_side,
        cityscapes_ids=cityscapes_ids,
        overlay=overlay is not None,
        answers=tuple(answers),
    )
    return batch.run(plan, operation, batch.executor_of(ray), force=force)


def _client(chosen: configuration.Chosen, key: Path | None, longer_side: int | None) -> Client:
    """The client that the options mean; nothing is sent yet."""
    from veilseg.client import Client

    assert chosen.server is not None
    return Client(chosen.server, chosen.token, key=load_key(key), model=chosen.model, longer_side=longer_side)


def _by_service(
    images: Sequence[str],
    output: str | None,
    client: Client,
    photo: str | None,
    overlay: str | None,
    answers: dict[str, str],
    in_flight: int,
    force: bool,
) -> int:
    from veilseg.batch import SegmentByService, make_plan, run_by_service

    operation = SegmentByService(client, overlay is not None, tuple(answers))
    executor = partial(run_by_service, in_flight=in_flight)
    plan = _completed(make_plan(images, output, verb="segment"), photo, overlay, answers)
    if plan.folders:
        _say_cells(client)
    return batch.run(plan, operation, executor, force=force)


def _completed(plan: Plan, photo: str | None, overlay: str | None, answers: dict[str, str]) -> Plan:
    """The plan with all that is read and written beside images and label maps."""
    from veilseg.batch import with_answers, with_photographs
    from veilseg.runtime.answers import FORMS

    return with_answers(with_photographs(plan, photo, overlay), answers, FORMS)


def _say_cells(client: Client) -> None:
    """How many cells the pictures will have that are sent."""
    from veilseg.cells import cells_at

    encryption = client.model.input.encryption
    if encryption is not None and (cells := cells_at(encryption, client.longer_side)) is not None:
        note(cells)
