"""`veilseg encrypt`: photographs in, encrypted images out."""

from __future__ import annotations

from typing import Annotated

import typer

from veilseg.cli import batch
from veilseg.cli.common import (
    BlockSize,
    Channels,
    CipherName,
    Force,
    ImageOutput,
    KeyFile,
    Shuffle,
    SubBlockSize,
    key_for,
    make_cipher,
)
from veilseg.cli.messages import show_warning
from veilseg.parameters import DEFAULT_SUB_BLOCK


def command(
    images: Annotated[list[str], typer.Argument(metavar="IMAGES", help="Files or folders; - reads stdin.")],
    output: ImageOutput = None,
    cipher: CipherName = "subblock-sort",
    block: BlockSize = 16,
    sub_block: SubBlockSize = None,
    channels: Channels = None,
    shuffle: Shuffle = None,
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
    chosen = make_cipher(cipher, block, sub_block, channels, shuffle)
    jobs = batch.plan(images, output, verb="encrypt")
    secret = key_for(chosen, key)
    if chosen.sub_block is not None and chosen.sub_block < 4:
        s = chosen.sub_block
        usual = f"{DEFAULT_SUB_BLOCK} or more is usual"
        show_warning(f"sub-blocks of {s} pixels hide little: anybody sees a mosaic of {s} x {s} pixels; {usual}")

    def work(data: bytes, source: str) -> bytes:
        from veilseg.images import open_image

        return chosen.encrypt(open_image(data), secret).to_bytes()

    return 1 if batch.run(jobs, work, doing="encrypting", force=force) else 0
