"""`veilseg encrypt`: photographs in, encrypted images out."""

from __future__ import annotations

from veilseg.catalog import DEFAULT_BLOCK, DEFAULT_CIPHER, DEFAULT_SUB_BLOCK
from veilseg.cli import batch
from veilseg.cli.common import BlockSize, CipherName, KeyFile, SubBlockSize, key_path_for
from veilseg.cli.messages import show_warning


def command(
    images: batch.Images,
    output: batch.ImageOutput = None,
    cipher: CipherName = DEFAULT_CIPHER,
    block: BlockSize = DEFAULT_BLOCK,
    sub_block: SubBlockSize = None,
    key: KeyFile = None,
    ray: batch.OnRay = False,
    force: batch.Again = False,
) -> int:
    """Encrypt photographs (JPEG, PNG, WebP, HEIC, AVIF, TIFF, BMP) as PNG files without metadata of the originals.

    The default cipher, subblock-sort, has no key: it forgets fine detail, for good. subblock-shuffle keeps the way back
    if you pass a key, and draws and forgets one if you do not. Ciphers named patch-... need a key. The smaller the
    sub-block, the finer the mosaic that anybody can see in the encrypted image; sub-blocks of one pixel are refused.

    A folder stands for all images in it and in its subfolders, linked ones too, which keep their places; hidden files
    are left out. Outputs that exist are skipped, so that the same command goes on after an interruption. Images and
    videos of kinds that are not read are named; they make the exit code 1, as failures do.

    Examples:
      veilseg encrypt photo.jpg -o encrypted.png
      veilseg encrypt photos/ -o encrypted/ --cipher subblock-shuffle --key my.key
      veilseg encrypt s3://bucket/photos -o s3://bucket/encrypted --ray
      veilseg encrypt - -o - < photo.jpg > encrypted.png
    """
    from veilseg.batch import Encrypt, make_plan
    from veilseg.ciphers import cipher as make

    chosen = make(cipher, block, sub_block)
    plan = make_plan(images, output, verb="encrypt")
    operation = Encrypt(chosen, key_path_for(chosen, key))
    if not force:
        operation.check_existing(task.outputs[0] for task in plan.tasks)
    if chosen.spec.cell < DEFAULT_SUB_BLOCK and chosen.facts.sub_blocks:
        s = chosen.spec.cell
        usual = f"{DEFAULT_SUB_BLOCK} or more is usual"
        show_warning(f"sub-blocks of {s} pixels hide little: anybody sees a mosaic of {s} x {s} pixels; {usual}")
    return batch.run(plan, operation, batch.executor_of(ray), force=force)
