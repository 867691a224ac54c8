"""`veilseg export`: a trained model for ONNX Runtime."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from veilseg.cli.common import Force, LongerSide, load_key
from veilseg.cli.encrypt_model import Output
from veilseg.cli.messages import note
from veilseg.modelconfig import CONFIG_NAME, ONNX_NAME
from veilseg.modelfolder import find_folder

if TYPE_CHECKING:
    from veilseg.keys import Key
    from veilseg.models import SegmentationModel


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
    int8: Annotated[
        str | None,
        typer.Option(
            metavar="KIND:DIR",
            help="Also round weights and activations to 8 bits, with images of this dataset to find their ranges: "
            "smaller, and on some processors faster.",
        ),
    ] = None,
    split: Annotated[
        str | None, typer.Option("--split", help="Part of that dataset. Default: train, where it has one.")
    ] = None,
    key: Annotated[
        Path | None,
        typer.Option("--key", metavar="FILE", help="The key of an encrypted model, for the images of --int8."),
    ] = None,
    longer_side: LongerSide = None,
    force: Force = False,
) -> None:
    """Export a model to ONNX: config.json and model.onnx, which run without torch, for images of any size.

    --longer-side states another working size: clients reduce larger photographs to it before they encrypt them. The
    exported model is compared with the original before anything is written. With --int8 it says for how many
    pixels the rounded model answers the same class; measure it with `veilseg evaluate` on images it has not seen. The
    first layer of models that have or take a key, and of other libraries' networks, stays in float.

    Examples:
      veilseg export runs/camvid -o served
      veilseg export runs/camvid -o served8 --int8 camvid:CamVid
      veilseg segment encrypted.png --model served -o map.png
    """
    from veilseg.errors import UsageError
    from veilseg.files import refuse_existing

    if key is not None and int8 is None:
        raise UsageError("--key encrypts the images of --int8", "name a dataset, or leave --key out")
    if split is not None and int8 is None:
        raise UsageError("--split is a part of the dataset of --int8", "name that dataset, or leave --split out")
    folder = find_folder(model)  # before torch is imported, which takes seconds
    from veilseg.models import export_onnx

    # Into the model's own folder: model.onnx is added, and the config there stays what it is.
    beside = output.resolve() == folder.resolve()
    if beside and split_stem is not None:
        raise UsageError("--split-stem changes the network, so it needs a folder of its own", "choose another -o")
    for name in (ONNX_NAME, CONFIG_NAME):
        refuse_existing(output / name, overwrite=force or (beside and longer_side is None and name == CONFIG_NAME))
    if int8 is None:
        export_onnx(_load(folder, longer_side), output, overwrite=force or beside, split_stem=split_stem)
    else:
        secret = load_key(key)
        _export_int8(
            _load(folder, longer_side),
            output,
            int8,
            split,
            split_stem=split_stem,
            key=secret,
            overwrite=force or beside,
        )
    note(f"{output / 'model.onnx'}: {(output / 'model.onnx').stat().st_size / 1e6:.1f} MB")


def _load(folder: Path, longer_side: int | None) -> SegmentationModel:
    """The model in `folder`, with another working size where one is given."""
    from veilseg.models import load_model

    model = load_model(folder)
    if longer_side is not None:
        model.config.longer_side = longer_side
    return model


def _export_int8(
    model: SegmentationModel,
    output: Path,
    dataset: str,
    split: str | None,
    *,
    split_stem: int | None,
    key: Key | None,
    overwrite: bool,
) -> None:
    from veilseg.data import open_data
    from veilseg.models import export_onnx
    from veilseg.models.onnx.quantize import quantize

    undivided = dataset.startswith(("folder:", "scenes:"))
    data = open_data(dataset, split or (None if undivided else "train"))
    with tempfile.TemporaryDirectory() as scratch:
        export_onnx(model, scratch, split_stem=split_stem)
        same = quantize(scratch, output, data, key=key, overwrite=overwrite)
    note(f"int8: the same class as before for {same:.2%} of the pixels")
