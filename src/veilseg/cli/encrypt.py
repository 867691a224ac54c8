"""`veilseg encrypt`: photographs in, encrypted images out."""

from __future__ import annotations

from typing import Annotated

import typer

from veilseg.catalog import DEFAULT_BLOCK, DEFAULT_CIPHER, DEFAULT_SUB_BLOCK
from veilseg.cli import batch
from veilseg.cli.common import (
    BlockSize,
    CipherName,
    Force,
    ImageOutput,
    KeyFile,
    SubBlockSize,
    key_for,
)
from veilseg.cli.messages import show_warning


def command(
    images: Annotated[list[str], typer.Argument(metavar="IMAGES", help="Files or folders; - reads stdin.")],
    output: ImageOutput = None,
    cipher: CipherName = DEFAULT_CIPHER,
    block: BlockSize = DEFAULT_BLOCK,
    sub_block: SubBlockSize = None,
    key: KeyFile = None,
    force: Force = False,
) -> int:
    """Encrypt photographs (JPEG, PNG, WebP, BMP, TIFF) as PNG files that carry no metadata of the originals.

    The default cipher, subblock-sort, has no key: it forgets fine detail, for good. subblock-shuffle keeps the way back
    if you pass a key, and draws and forgets one if you do not. Ciphers named patch-... need a key.

    A folder stands for all images in it and in its subfolders, which keep their places. The smaller the sub-block, the
    finer the mosaic that anybody can see in the encrypted image; sub-blocks of one pixel are refused.

    Examples:
      veilseg encrypt photo.jpg -o veiled.png
      veilseg encrypt photos/ -o veiled/ --cipher subblock-shuffle --key my.key
      veilseg encrypt - -o - < photo.jpg > veiled.png
    """
    from veilseg.ciphers import cipher as make

    chosen = make(cipher, block, sub_block)
    jobs = batch.plan(images, output, verb="encrypt")
    secret = key_for(chosen, key)
    if chosen.spec.cell < DEFAULT_SUB_BLOCK and chosen.facts.sub_blocks:
        s = chosen.spec.cell
        usual = f"{DEFAULT_SUB_BLOCK} or more is usual"
        show_warning(f"sub-blocks of {s} pixels hide little: anybody sees a mosaic of {s} x {s} pixels; {usual}")

    def work(data: bytes, source: str) -> bytes:
        from veilseg.images import open_image

        return chosen.encrypt(open_image(data), secret).to_bytes()

    return 1 if batch.run(jobs, work, doing="encrypting", force=force) else 0
