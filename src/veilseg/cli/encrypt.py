"""`veilseg encrypt`: photographs in, encrypted images out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from veilseg import catalog
from veilseg.catalog import DEFAULT_CIPHER, DEFAULT_LONGER_SIDE
from veilseg.cli import batch, video
from veilseg.cli.common import BLOCK_DEFAULT, SUB_BLOCK_DEFAULT, KeyFile, LongerSide, key_path_for
from veilseg.cli.messages import note, show_warning
from veilseg.errors import UsageError
from veilseg.scale import ORIGINAL

if TYPE_CHECKING:
    from veilseg.ciphers import Cipher
    from veilseg.modelfolder import ModelFolder


def command(
    images: batch.Images,
    output: batch.ImageOutput = None,
    cipher: Annotated[
        str | None,
        typer.Option("--cipher", metavar="NAME", help=f"{catalog.names()}. Default: {DEFAULT_CIPHER}, or the model's."),
    ] = None,
    block: Annotated[
        int | None,
        typer.Option("--block", metavar="PIXELS", help=f"Side of a block. {BLOCK_DEFAULT}, or the model's."),
    ] = None,
    sub_block: Annotated[
        int | None,
        typer.Option(
            "--sub-block", metavar="PIXELS", help=f"Side of a sub-block. {SUB_BLOCK_DEFAULT}, or the model's."
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            "--model", metavar="NAME", help="Encrypt as this model needs it: a shipped model's name, or a folder."
        ),
    ] = None,
    longer_side: LongerSide = None,
    key: KeyFile = None,
    ray: batch.OnRay = False,
    every: video.Every = 1,
    standing: video.Standing = False,
    force: batch.Again = False,
) -> int:
    """Encrypt photographs (JPEG, PNG, WebP, HEIC, AVIF, TIFF, BMP) as PNG files without metadata of the originals.

    Photographs are first reduced to the working size: 480 pixels along the longer side, or what --model works at. How
    much a picture shows depends on how many cells it has; the command says so, and --longer-side changes it.

    The default cipher, subblock-sort, has no key: it forgets fine detail, for good. subblock-shuffle keeps the way back
    (to the reduced photograph) if you pass a key, and draws and forgets one if you do not. Ciphers for encrypted models
    need a key. The smaller the sub-block, the finer the mosaic that anybody can see in the encrypted image; sub-blocks
    of one pixel are refused.

    A folder stands for all images in it and in its subfolders, linked ones too, which keep their places; hidden files
    are left out. Outputs that exist are skipped, so that the same command goes on after an interruption. Images of
    kinds that are not read, and videos in folders, are named; they make the exit code 1, as failures do. A video or a
    camera (/dev/video0) alone becomes a folder of encrypted frames.

    Examples:
      veilseg encrypt photo.jpg -o encrypted.png
      veilseg encrypt photo.jpg -o encrypted.png --model my-model/
      veilseg encrypt photos/ -o encrypted/ --cipher subblock-shuffle --key my.key
      veilseg encrypt s3://bucket/photos -o s3://bucket/encrypted --ray
      veilseg encrypt clip.mp4 -o encrypted/ --standing
      veilseg encrypt - -o - < photo.jpg > encrypted.png
    """
    from veilseg.batch import Encrypt, make_plan
    from veilseg.cells import cells_at, finer_than_default, warn_of_cells
    from veilseg.ciphers import cipher as make
    from veilseg.ciphers import own_cipher
    from veilseg.modelfolder import find_folder, open_folder

    folder = None if model is None else open_folder(find_folder(model))
    chosen = (
        make(cipher or DEFAULT_CIPHER, block, sub_block)
        if folder is None
        else own_cipher(folder.input, cipher, block, sub_block)
    )
    if chosen == "plain":
        raise UsageError(f"the model {model} takes plain images", "name a --cipher, or another model")
    key_file = key_path_for(chosen, key)
    if folder is not None:
        _check_input(folder, chosen, key_file)
    side, processor = (longer_side, None) if longer_side is not None else _size_of(folder)
    operation = Encrypt(chosen, key_file, side, processor)
    # What an image processor makes of photographs is known when it has made it.
    cells = cells_at(chosen.spec, side) if processor is None else None
    if processor is None and finer_than_default(chosen.spec, side):
        show_warning(warn_of_cells(chosen.spec, side))
    if video.is_video(images, every, standing):
        if ray:
            raise UsageError("the frames of a video are encrypted on this machine", "leave --ray out")
        if cells is not None:
            note(cells)
        frames = video.open_frames(images[0], every, standing)
        return video.encrypt(images[0], output, operation, frames, force=force)
    plan = make_plan(images, output, verb="encrypt")
    if not force:
        operation.check_existing(task.outputs[0] for task in plan.tasks)
    if plan.folders and cells is not None:
        note(cells)
    return batch.run(plan, operation, batch.executor_of(ray), force=force)


def _size_of(folder: ModelFolder | None) -> tuple[int, Path | None]:
    """(working size, folder of the image processor that resizes instead) of a model; the product's without one."""
    from veilseg.modelconfig import ModelConfig

    if folder is None:
        return DEFAULT_LONGER_SIDE, None
    if folder.library == "veilseg":
        return ModelConfig.load(folder.path).longer_side, None
    return ORIGINAL, folder.path


def _check_input(folder: ModelFolder, chosen: Cipher, key_file: Path | None) -> None:
    """Raise InvalidImageError, with the way out, when the model would not take what this cipher and key make."""
    import numpy as np

    from veilseg.keys import Key

    if folder.input.encryption is not None:
        key = None if key_file is None else Key.load(key_file)
        folder.input.check(chosen.encrypt(np.zeros((1, 1, 3), np.uint8), key).header)
