"""`veilseg decrypt`: encrypted images back to photographs, where a key exists."""

from __future__ import annotations

from veilseg.cli import batch
from veilseg.cli.common import KeyFile, key_path


def command(
    images: batch.Images, output: batch.ImageOutput = None, key: KeyFile = None, force: batch.Again = False
) -> int:
    """Decrypt images with the key that they were encrypted with; the pixels come back exactly, as PNG.

    Where no key exists (`veilseg inspect` says so) there is no way back, for anybody. Folders, and outputs that exist,
    are as in `veilseg encrypt`.

    Example:
      veilseg decrypt encrypted.png --key my.key -o plain.png
    """
    from veilseg.batch import Decrypt, make_plan, run_here

    return batch.run(make_plan(images, output, verb="decrypt"), Decrypt(key_path(key)), run_here, force=force)
