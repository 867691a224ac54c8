"""`veilseg export`: a trained model for ONNX Runtime."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from veilseg.cli.common import Force
from veilseg.cli.encrypt_model import Output
from veilseg.cli.messages import note


def command(
    model: Annotated[str, typer.Argument(help="A trained model: a folder or a Hub id.")],
    output: Output,
    split_stem: Annotated[
        int | None,
        typer.Option(
            metavar="PIXELS",
            help="Keep the first layer, for blocks of this side, in a file of its own, where a key can be put in "
            "without torch.",
        ),
    ] = None,
    force: Force = False,
) -> None:
    """Export a model to ONNX: config.json and model.onnx, which run without torch, for images of any size.

    The exported model is compared with the original before anything is written.

    Examples:
      veilseg export runs/camvid -o served
      veilseg segment veiled.png --model served -o map.png
    """
    from veilseg.errors import UsageError
    from veilseg.files import refuse_existing
    from veilseg.models import export_onnx, load_model

    # Into the model's own folder: model.onnx is added, and the config there stays what it is.
    beside = output.resolve() == Path(model).resolve()
    if beside and split_stem is not None:
        raise UsageError("--split-stem changes the network, so it needs a folder of its own", "choose another -o")
    for name in ("model.onnx", "config.json"):
        refuse_existing(output / name, overwrite=force or (beside and name == "config.json"))
    export_onnx(load_model(model), output, overwrite=force or beside, split_stem=split_stem)
    note(f"{output / 'model.onnx'}: {(output / 'model.onnx').stat().st_size / 1e6:.1f} MB")
