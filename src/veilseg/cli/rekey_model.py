"""`veilseg rekey-model`: give an encrypted model a new key."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from veilseg.cli.common import Force
from veilseg.cli.encrypt_model import (
    Output,
    Stem,
    WithOnnx,
    exported_only,
    note_run,
    refuse_model,
    refuse_onnx,
    refuse_stem,
    saved,
    write_model,
)
from veilseg.cli.messages import note
from veilseg.modelfolder import find_folder, open_folder


def command(
    model: Annotated[str, typer.Argument(help="An encrypted model: a folder or a Hub id.")],
    old: Annotated[Path, typer.Option("--old", metavar="FILE", help="The key that the model has now.")],
    new: Annotated[Path, typer.Option("--new", metavar="FILE", help="The key that it is to have.")],
    output: Output,
    stem: Stem = None,
    onnx: WithOnnx = False,
    force: Force = False,
) -> None:
    """Change the key of an encrypted model. Neither the plain model nor any training is needed.

    Images encrypted with the old key mean nothing to the new model.

    Example:
      veilseg rekey-model encrypted --old my.key --new next.key -o rekeyed
    """
    from veilseg.keys import Key

    before, after = Key.load(old), Key.load(new)
    found = open_folder(find_folder(model))
    if found.library == "veilseg" or found.input.keyed:  # else the weights may know: config.json may be the library's
        found.input.check_old_key(before.fingerprint)
    refuse_stem(found, stem)
    if found.library != "veilseg":
        refuse_onnx(found, onnx=onnx)
        from veilseg.models.encryption.foreign import rekey_folder

        _, proof = rekey_folder(found, before, after, output, stem=stem, overwrite=force)
        note(f"checked by loading it again: {proof}")
    elif exported_only(found.path):
        from veilseg.models.encryption.onnx_stem import rekey_onnx

        _, run = rekey_onnx(found.path, before, after, output, overwrite=force)
        note_run(run)
    else:
        refuse_model(output, onnx=onnx, force=force)
        from veilseg.models import load_model, rekey_model, verify_rekeying

        encrypted = load_model(found.path)
        moved = rekey_model(encrypted, before, after, verify=False)
        with saved(moved) as again:
            proof = verify_rekeying(encrypted, again, before, after)
        write_model(moved, output, onnx=onnx, force=force)
        note(f"checked by loading it again: {proof}")
    note(f"{output}: belongs to key {after.fingerprint} now, no longer to {before.fingerprint}")
