"""`veilseg import-openmmlab`: a SETR checkpoint of OpenMMLab as a model of ours."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from veilseg.cli.common import Force
from veilseg.cli.encrypt_model import Output, refuse_model
from veilseg.cli.messages import note
from veilseg.errors import UsageError, VeilsegError


def command(
    checkpoint: Annotated[Path, typer.Argument(metavar="CHECKPOINT", help="A .pth file of mmsegmentation's SETR.")],
    output: Output,
    image_size: Annotated[
        str | None,
        typer.Option(metavar="HxW", help="Size that the position embeddings are for. Default: the file's, or square."),
    ] = None,
    heads: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Attention heads. Default: the file's, or width / 64.")
    ] = None,
    interpolation: Annotated[
        str | None, typer.Option(metavar="KIND", help="Of positions: bilinear (default) or bicubic.")
    ] = None,
    force: Force = False,
) -> None:
    """Convert a SETR (Naive, PUP or MLA) that was trained with OpenMMLab; what it computes stays.

    The result takes raw RGB pixels: OpenMMLab's mean and standard deviation are folded in. Checkpoints are pickles.
    This is the one verb that reads one, and it loads tensors and plain values only, no code (torch's weights_only);
    even so, take checkpoints from people you trust.

    Example:
      veilseg import-openmmlab setr_mla.pth -o setr-mla
    """
    size = re.fullmatch(r"(\d+)x(\d+)", image_size) if image_size is not None else None
    if image_size is not None and size is None:
        raise UsageError(f"{image_size!r} is no size", "give height and width, as in --image-size 512x1024")
    if not checkpoint.is_file():
        raise VeilsegError(f"{checkpoint} is no file", "give the .pth file of a checkpoint")
    refuse_model(output, onnx=False, force=force)
    from veilseg.models import save_model
    from veilseg.models.openmmlab.convert import import_openmmlab

    pair = (int(size[1]), int(size[2])) if size else None
    note(f"reading {checkpoint}: a pickle, tensors and plain values only")
    model = import_openmmlab(checkpoint, image_size=pair, heads=heads, interpolation=interpolation)
    save_model(model, output, overwrite=force)
    if "auxiliary_heads" in model.config.training:
        note(
            "the file has no auxiliary heads: they stay untrained, which answers do not show and further training does"
        )
    note(f"{output}: {model.config.architecture}, {model.num_classes} classes, raw RGB pixels")
