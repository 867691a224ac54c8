"""`veilseg data export`: a dataset, or label maps, as COCO's JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from veilseg.cli.common import Force, progress_bar
from veilseg.data.registry import forms


def command(
    data: Annotated[str, typer.Argument(metavar="DIR", help=f"A folder of ours, or {forms()}.", show_default=False)],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="COCO's JSON.", show_default=False)],
    split: Annotated[
        str | None, typer.Option("--split", metavar="NAME", help="Part of the dataset; needed where there are several.")
    ] = None,
    model: Annotated[
        str | None,
        typer.Option("--model", metavar="NAME", help="Take the classes from the model that made the label maps."),
    ] = None,
    force: Force = False,
) -> None:
    """Write a dataset as COCO's JSON, for pycocotools and tools that take its run lengths (RLE).

    Every class that occurs in an image becomes one annotation. Photographs are not copied: file_name is theirs, sizes
    are those of the photograph turned as EXIF says. Label maps that a model made become a first version to be corrected
    by hand: photographs in DIR/images/, maps in DIR/labels/, and the model's name.

    Examples:
      veilseg data export data/mine --split train -o train.json
      veilseg segment new/images -o new/labels --model plain && veilseg data export new --model plain -o new.json
    """
    from veilseg.data.check import refuse_faults
    from veilseg.data.export import maps_of, to_coco
    from veilseg.data.registry import find_data
    from veilseg.errors import UsageError
    from veilseg.files import check_output, write_atomic

    check_output(output, overwrite=force)
    parts = find_data(data, split) if model is None else [maps_of(data, split, model)]
    if len(parts) > 1:
        names = ", ".join(part.name.rpartition("/")[2] for part in parts)
        raise UsageError(f"{data} has several parts", f"choose one with --split: {names}")
    (part,) = parts
    refuse_faults(part)
    with progress_bar(len(part), part.name) as advance:
        exported = to_coco(part, advance)
    write_atomic(output, json.dumps(exported).encode(), overwrite=force)
    print(f"{output}: images: {len(exported['images'])}, annotations: {len(exported['annotations'])}")
