"""`veilseg segment`: encrypted images in, label maps out, with a model on this machine or a service elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from veilseg.cli import batch
from veilseg.cli.common import TOKEN_VARIABLE, Force, KeyFile
from veilseg.errors import UsageError

if TYPE_CHECKING:
    from veilseg.runtime import Segmenter


def command(
    images: Annotated[list[str], typer.Argument(metavar="IMAGES", help="Encrypted images or folders; - reads stdin.")],
    output: Annotated[
        str | None,
        typer.Option("--output", "-o", metavar="PATH", help="File for one map, folder for several, - for stdout."),
    ] = None,
    model: Annotated[
        str, typer.Option("--model", metavar="NAME", help="The shipped model's name, or a folder with config.json.")
    ] = "default",
    overlay: Annotated[
        Path | None,
        typer.Option("--overlay", metavar="PATH", help="Also blend the label map with --photo; a folder for several."),
    ] = None,
    photo: Annotated[
        Path | None, typer.Option("--photo", metavar="PATH", help="The photograph for --overlay; a folder for several.")
    ] = None,
    window: Annotated[
        int | None,
        typer.Option("--window", metavar="PIXELS", help="Sliding windows of this side. Default: none."),
    ] = None,
    threads: Annotated[int | None, typer.Option("--threads", metavar="N", help="Default: one per core.")] = None,
    server: Annotated[
        str | None,
        typer.Option("--server", metavar="URL", help="Encrypt photographs here, let a service segment them."),
    ] = None,
    token: Annotated[
        Path | None, typer.Option("--token", metavar="FILE", help=f"Token for --server. Default: {TOKEN_VARIABLE}.")
    ] = None,
    key: KeyFile = None,
    in_flight: Annotated[int, typer.Option(metavar="N", min=1, help="Images on their way to --server.")] = 8,
    resume: Annotated[bool, typer.Option("--resume", help="With --server: leave out what is written already.")] = False,
    force: Force = False,
) -> int:
    """Segment encrypted images; every pixel of the PNG written is a class id, shown in the model's colours.

    The model sees no key and no photograph: --photo is read only to blend the finished map with it. Key-invariant
    models, like the default, answer the same for every key.

    Examples:
      veilseg segment veiled.png -o labels.png
      veilseg segment veiled.png -o labels.png --overlay seen.png --photo photo.jpg
      veilseg segment veiled/ -o labels/ --model my-model/
      veilseg segment photos/ -o labels/ --server http://127.0.0.1:8000 --resume
      veilseg segment clip.mp4 -o labels/ --server http://127.0.0.1:8000
    """
    if server is not None:
        if overlay or photo or window or threads:
            raise UsageError("--overlay, --photo, --window and --threads are for models on this machine")
        from veilseg.cli.remote import Remote

        named = None if model == "default" else model
        return Remote(server, token, key, named, in_flight).segment(images, output, resume=resume, force=force)
    if token or key or resume:
        raise UsageError("--token, --key and --resume belong to --server", "--server http://127.0.0.1:8000")
    if (overlay is None) != (photo is None):
        raise UsageError("--overlay and --photo belong together", "--overlay seen.png --photo photo.jpg")
    jobs = batch.plan(images, output, verb="segment")
    overlays = [] if overlay is None or photo is None else _plan_overlays(jobs, overlay, photo, force)
    from veilseg.runtime import Segmenter, encode_label_png

    segmenter = Segmenter(model, window=window, threads=threads)

    def work(data: bytes) -> bytes:
        return encode_label_png(segmenter.segment(data), segmenter.palette)

    failed = batch.run(jobs, work, doing="segmenting", force=force)
    for labels, photograph, target in overlays:
        if labels.exists():
            _write_overlay(segmenter, labels, photograph, target, force)
    return 1 if failed else 0


def _plan_overlays(jobs: batch.Plan, overlay: Path, photo: Path, force: bool) -> list[tuple[Path, Path, Path]]:
    """(label map, photograph, overlay) of every job; in folders, photographs are found by the images' stems."""
    from veilseg.files import file_identity, refuse_existing
    from veilseg.images import list_images

    if any(target == batch.STREAM for _, target in jobs.jobs):
        raise UsageError("--overlay needs the label map in a file", "name it with -o FILE")
    if jobs.folder is None:
        plans = [(Path(jobs.jobs[0][1]), photo, overlay)]
    else:
        if not photo.is_dir():
            raise UsageError(f"{photo} is not a folder, and there are several images", "--photo FOLDER")
        photos = {path.stem: path for path in list_images(photo)}
        stems = [Path(source).stem for source, _ in jobs.jobs]
        if missing := [stem for stem in stems if stem not in photos]:
            raise UsageError(f"{photo} has no photograph named {missing[0]}", "photographs keep the images' names")
        targets = [Path(target) for _, target in jobs.jobs]
        plans = [(path, photos[stem], overlay / path.name) for path, stem in zip(targets, stems, strict=True)]
    taken = [path for labels, photograph, _ in plans for path in (labels, photograph)]
    taken += [Path(source) for source, _ in jobs.jobs if source != batch.STREAM]
    kept = {file_identity(path) for path in taken}
    for _, _, target in plans:
        if target.suffix.lower() != ".png" and (target.is_file() or not target.exists()):
            raise UsageError(f"{target} would be a PNG under another name", f"name it {target.stem}.png")
        if file_identity(target) in kept:
            raise UsageError(f"the overlay {target} would replace an input or the label map", "choose another name")
        refuse_existing(target, overwrite=force)
    return plans


def _write_overlay(segmenter: Segmenter, labels: Path, photograph: Path, target: Path, force: bool) -> None:
    import numpy as np
    from PIL import Image

    from veilseg.files import write_atomic
    from veilseg.images import open_image, to_png
    from veilseg.runtime import overlay

    with Image.open(labels) as image:
        ids = np.asarray(image)
    target.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(target, to_png(overlay(open_image(photograph), ids, segmenter.palette)), overwrite=force)
