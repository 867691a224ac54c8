"""`veilseg init`: a recipe with comments for a dataset."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from veilseg.cli.common import Force, progress_bar
from veilseg.cli.messages import note, show_warning
from veilseg.data.registry import forms


def command(
    data: Annotated[
        str, typer.Argument(metavar="DIR", help=f"A folder with train/ and val/, or {forms()}.", show_default=False)
    ],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="The recipe.")] = Path("recipe.yaml"),
    force: Force = False,
) -> None:
    """Look at a dataset and write a recipe to train with: classes, sizes, steps by the number of images, comments.

    It names the dataset as DIR does: run `veilseg train` in the same folder.

    Examples:
      veilseg init data/mine -o mine.yaml
      veilseg train mine.yaml -o runs/mine
    """
    from veilseg.data.check import check_data
    from veilseg.data.faults import count_of
    from veilseg.data.registry import open_unchecked, spec_of
    from veilseg.errors import InvalidDataError, UsageError
    from veilseg.files import check_output, write_atomic
    from veilseg.training.outline import outline

    check_output(output, overwrite=force)
    spec, reports = spec_of(data), []
    for split in ("train", "val"):
        dataset = open_unchecked(spec, split)
        with progress_bar(len(dataset), split) as advance:
            reports.append(check_data(dataset, advance=advance))
        if faults := reports[-1].faults:
            hint = f"`veilseg data check {data} --split {split}` lists them"
            raise InvalidDataError(f"{data} has {count_of(faults)} in {split}", hint)
    train, val = reports
    if train.name == val.name:
        raise UsageError(f"{data} has no parts train and val", "veilseg data import makes them")
    if train.classes != val.classes:
        raise InvalidDataError(f"train and val of {data} have different classes", "write one classes.json beside them")
    for remark in train.remarks:
        show_warning(remark)
    write_atomic(output, outline(spec, train, val).encode(), overwrite=force)
    note(f"next: veilseg train {output} -o runs/{output.stem}")
