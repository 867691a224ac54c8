"""`veilseg decrypt`: encrypted images back to photographs, where a key exists."""

from __future__ import annotations

from typing import Annotated

import typer

from veilseg.cli import batch
from veilseg.cli.common import Force, ImageOutput, KeyFile, load_key


def command(
    images: Annotated[list[str], typer.Argument(metavar="IMAGES", help="Files or folders; - reads stdin.")],
    output: ImageOutput = None,
    key: KeyFile = None,
    force: Force = False,
) -> int:
    """Decrypt images with the key that they were encrypted with; the pixels come back exactly, as PNG.

    Where no key exists (subblock-sort, subblock-quartiles, mosaic, subblock-shuffle without --key) there is no way
    back, for anybody.

    Example:
      veilseg decrypt veiled.png --key my.key -o plain.png
    """
    jobs = batch.plan(images, output, verb="decrypt")
    secret = load_key(key)

    def work(data: bytes, source: str) -> bytes:
        from veilseg.ciphers import EncryptedImage
        from veilseg.images import to_png

        return to_png(EncryptedImage.from_bytes(data).decrypt(secret))

    return 1 if batch.run(jobs, work, doing="decrypting", force=force) else 0
