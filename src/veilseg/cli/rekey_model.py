"""`veilseg rekey-model`: give a locked model a new key."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from veilseg.cli.common import Force
from veilseg.cli.encrypt_model import Output, WithOnnx, refuse_model, write_model
from veilseg.cli.messages import note


def command(
    model: Annotated[str, typer.Argument(help="An encrypted model: a folder or a Hub id.")],
    old: Annotated[Path, typer.Option("--old", metavar="FILE", help="The key that the model has now.")],
    new: Annotated[Path, typer.Option("--new", metavar="FILE", help="The key that it is to have.")],
    output: Output,
    onnx: WithOnnx = False,
    force: Force = False,
) -> None:
    """Change the key of an encrypted model. Neither the plain model nor any training is needed.

    Images encrypted with the old key mean nothing to the new model.

    Example:
      veilseg rekey-model locked --old my.key --new next.key -o relocked
    """
    from veilseg.keys import Key
    from veilseg.models import load_model, rekey_model

    before, after = Key.load(old), Key.load(new)
    refuse_model(output, onnx=onnx, force=force)
    locked = rekey_model(load_model(model), before, after)
    write_model(locked, output, onnx=onnx, force=force)
    note(f"{output}: belongs to key {after.fingerprint} now, no longer to {before.fingerprint}")
