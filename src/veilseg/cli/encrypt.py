"""`veilseg encrypt`: photographs in, encrypted images out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from veilseg import catalog
from veilseg.catalog import DEFAULT_CIPHER, DEFAULT_LONGER_SIDE
from veilseg.cli import batch, video
from veilseg.cli.common import KeyFile, LongerSide, key_path_for
from veilseg.cli.messages import note, show_warning
from veilseg.errors import UsageError
from veilseg.scale import ORIGINAL

if TYPE_CHECKING:
    from veilseg.ciphers import Cipher


def command(
    images: batch.Images,
    output: batch.ImageOutput = None,
    cipher: Annotated[
        str | None,
        typer.Option("--cipher", metavar="NAME", help=f"{catalog.names()}. Default: {DEFAULT_CIPHER}, or the model's."),
    ] = None,
    block: Annotated[
        int | None, typer.Option("--block", metavar="PIXELS", help="Side of a block. Default: 16, or the model's.")
    ] = None,
    sub_block: Annotated[
        int | None,
        typer.Option("--sub-block", metavar="PIXELS", help="Side of a sub-block. Default: 4, or the model's."),
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

    if model is None:
        chosen, side, processor = make(cipher or DEFAULT_CIPHER, block, sub_block), DEFAULT_LONGER_SIDE, None
    else:
        chosen, side, processor = _as_model(model, cipher, block, sub_block)
    if longer_side is not None:
        side, processor = longer_side, None
    key_file = key_path_for(chosen, key)
    if model is not None:
        _check_input(model, chosen, key_file)
    operation = Encrypt(chosen, key_file, side, processor)
    if processor is None and finer_than_default(chosen.spec, side):
        show_warning(warn_of_cells(chosen.spec, side))
    if video.is_video(images, every, standing):
        if ray:
            raise UsageError("the frames of a video are encrypted on this machine", "leave --ray out")
        if chosen.spec.sub_block is not None and processor is None:
            note(cells_at(chosen.spec, side))
        frames = video.open_frames(images[0], every, standing)
        return video.encrypt(images[0], output, operation, frames, force=force)
    plan = make_plan(images, output, verb="encrypt")
    if not force:
        operation.check_existing(task.outputs[0] for task in plan.tasks)
    if plan.folders and chosen.spec.sub_block is not None and processor is None:
        note(cells_at(chosen.spec, side))
    return batch.run(plan, operation, batch.executor_of(ray), force=force)


def _as_model(
    name: str, cipher: str | None, block: int | None, sub_block: int | None
) -> tuple[Cipher, int, Path | None]:
    """(cipher, working size, folder of the image processor that resizes instead) as a model needs them."""
    from veilseg.ciphers import own_cipher
    from veilseg.modelconfig import ModelConfig
    from veilseg.modelfolder import find_folder, open_folder

    folder = open_folder(find_folder(name))
    chosen = own_cipher(folder.input, cipher, block, sub_block)
    if chosen == "plain":
        raise UsageError(f"the model {name} takes plain images", "name a --cipher, or another model")
    if folder.library == "veilseg":
        return chosen, ModelConfig.load(folder.path).longer_side, None
    return chosen, ORIGINAL, folder.path


def _check_input(name: str, chosen: Cipher, key_file: Path | None) -> None:
    """Raise InvalidImageError, with the way out, when the model would not take what this cipher and key make."""
    import numpy as np

    from veilseg.keys import Key
    from veilseg.modelfolder import find_folder, open_folder

    made = chosen.encrypt(np.zeros((1, 1, 3), np.uint8), None if key_file is None else Key.load(key_file))
    spec = open_folder(find_folder(name)).input
    if spec.encryption is not None:
        spec.check(made.header)
