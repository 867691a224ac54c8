"""`veilseg segment`: encrypted images in, label maps out, with a model on this machine or a service elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from veilseg.cli import batch
from veilseg.cli.common import TOKEN_VARIABLE, Force, ImageOutput, KeyFile, ModelName, Threads, Window
from veilseg.errors import UsageError


def command(
    images: Annotated[list[str], typer.Argument(metavar="IMAGES", help="Encrypted images or folders; - reads stdin.")],
    output: ImageOutput = None,
    model: ModelName = "default",
    overlay: Annotated[
        Path | None,
        typer.Option("--overlay", metavar="PATH", help="Also blend the label map with --photo; a folder for several."),
    ] = None,
    photo: Annotated[
        Path | None, typer.Option("--photo", metavar="PATH", help="The photograph for --overlay; a folder for several.")
    ] = None,
    cityscapes_ids: Annotated[
        bool,
        typer.Option("--cityscapes-ids", help="Write grey PNGs of label ids, as Cityscapes' evaluation server wants."),
    ] = False,
    window: Window = None,
    threads: Threads = None,
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
        if overlay or photo or cityscapes_ids or window or threads:
            raise UsageError(
                "--overlay, --photo, --cityscapes-ids, --window and --threads are for models on this machine",
                "leave them or --server out",
            )
        from veilseg.cli.remote import Remote

        named = None if model == "default" else model
        return Remote(server, token, key, named, in_flight).segment(images, output, resume=resume, force=force)
    if token or key or resume:
        raise UsageError("--token, --key and --resume belong to --server", "--server http://127.0.0.1:8000")
    if (overlay is None) != (photo is None):
        raise UsageError("--overlay and --photo belong together", "--overlay seen.png --photo photo.jpg")
    jobs = batch.plan(images, output, verb="segment")
    overlays = {} if overlay is None or photo is None else _plan_overlays(jobs, overlay, photo, force)
    from veilseg.data.cityscapes import label_ids
    from veilseg.files import make_folder, write_atomic
    from veilseg.images import open_image, to_png
    from veilseg.runtime import Segmenter, encode_label_png
    from veilseg.runtime import overlay as blend

    segmenter = Segmenter(model, window=window, threads=threads)

    def encode(labels: np.ndarray) -> bytes:
        if cityscapes_ids:
            return to_png(label_ids(labels, segmenter.classes))
        return encode_label_png(labels, segmenter.palette)

    def work(data: bytes, source: str) -> bytes:
        if source not in overlays:
            return encode(segmenter.segment(data))
        photograph, target = overlays[source]
        seen = open_image(photograph)
        _refuse_other_size(data, seen.shape[:2], photograph)
        labels = segmenter.segment(data)
        make_folder(target.parent)
        write_atomic(target, to_png(blend(seen, labels, segmenter.palette)), overwrite=force)
        return encode(labels)

    return 1 if batch.run(jobs, work, doing="segmenting", force=force) else 0


def _plan_overlays(jobs: batch.Plan, overlay: Path, photo: Path, force: bool) -> dict[str, tuple[Path, Path]]:
    """{image: (photograph, overlay)}; in folders, a photograph lies where the image does and shares its stem."""
    from veilseg.files import check_output, file_identity, refuse_existing, refuse_other_than_png
    from veilseg.images import list_images

    if any(target == batch.STREAM for _, target in jobs.jobs):
        raise UsageError("--overlay needs the label map in a file", "name it with -o FILE")
    if jobs.folder is None:
        plans = {jobs.jobs[0][0]: (photo, overlay)}
        check_output(overlay, overwrite=force)
    else:
        if not photo.is_dir():
            raise UsageError(f"{photo} is not a folder, and there are several images", "--photo FOLDER")
        photos = {path.relative_to(photo).with_suffix(""): path for path in list_images(photo)}
        places = {source: Path(target).relative_to(jobs.folder) for source, target in jobs.jobs}
        if missing := [place for place in places.values() if place.with_suffix("") not in photos]:
            raise UsageError(
                f"{photo} has no photograph named {missing[0].with_suffix('')}", "photographs keep the images' names"
            )
        plans = {source: (photos[place.with_suffix("")], overlay / place) for source, place in places.items()}
    taken = [Path(path) for job in jobs.jobs for path in job if path != batch.STREAM]
    kept = {file_identity(path) for path in taken + [photograph for photograph, _ in plans.values()]}
    for _, target in plans.values():
        refuse_other_than_png(target)
        if file_identity(target) in kept:
            raise UsageError(f"the overlay {target} would replace an input or the label map", "choose another name")
        refuse_existing(target, overwrite=force)
    return plans


def _refuse_other_size(data: bytes, size: tuple[int, ...], photograph: Path) -> None:
    """Raise InvalidImageError, before the image is segmented, when the photograph for its overlay has another size."""
    from veilseg.container import decode_header
    from veilseg.errors import InvalidImageError

    try:
        header = decode_header(data)
    except InvalidImageError:
        return  # a plain image, or one that the segmenter refuses with a better reason
    if size != (header.height, header.width):
        raise InvalidImageError(
            f"{photograph} has {size[1]} x {size[0]} pixels, the encrypted image {header.width} x {header.height}",
            "give the photograph that was encrypted",
        )
