"""`veilseg bench`: how fast this machine encrypts and segments."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from veilseg.cli.common import Force

if TYPE_CHECKING:
    from rich.table import Table

    from veilseg.evaluation.speed import Speed


def command(
    height: Annotated[int, typer.Option("--height", metavar="PIXELS", min=16, help="Height of the image.")] = 1024,
    width: Annotated[int, typer.Option("--width", metavar="PIXELS", min=16, help="Width of the image.")] = 2048,
    repeats: Annotated[int, typer.Option("--repeats", metavar="N", min=1, help="Runs to take the median of.")] = 7,
    segmentation: Annotated[
        bool, typer.Option(help="Also compare the segmentation of encrypted and of plain input.")
    ] = True,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Also write the figures and where they come from.")
    ] = None,
    force: Force = False,
) -> None:
    """Measure every cipher against a plain copy and against the obvious NumPy way (random numbers and argsort).

    All ways take turns in one run, and medians are compared: read the ratios, since times depend on what else the
    machine does. Then the shipped models: encrypted against plain input.

    Examples:
      veilseg bench
      veilseg bench --no-segmentation --json speed.json
    """
    from rich.console import Console

    from veilseg.cli.messages import note
    from veilseg.errors import VeilsegError
    from veilseg.evaluation.provenance import provenance
    from veilseg.evaluation.report import write_json
    from veilseg.evaluation.speed import measure_encryption, measure_segmentation
    from veilseg.files import refuse_existing

    if json_file is not None:
        refuse_existing(json_file, overwrite=force)
    console = Console(highlight=False, markup=False)
    encryption = measure_encryption(height, width, repeats)
    console.print(_table(f"encryption of {width} x {height} pixels", encryption))
    segmented: list[Speed] = []
    if segmentation:
        try:
            segmented = measure_segmentation(repeats=repeats)
            console.print(_table("segmentation by the shipped models", segmented))
        except (ImportError, VeilsegError) as error:
            reason = error.message if isinstance(error, VeilsegError) else f"{error.name} is missing"
            note(f"segmentation was not measured: {reason}")
    if json_file is not None:
        figures = {
            "image": {"height": height, "width": width},
            "repeats": repeats,
            "encryption": [speed.to_dict() for speed in encryption],
            "segmentation": [speed.to_dict() for speed in segmented],
        }
        write_json(json_file, {**provenance(), **figures}, overwrite=force)


def _table(title: str, speeds: list[Speed]) -> Table:
    from rich.table import Table

    table = Table(title=title, title_justify="left")
    table.add_column("way", no_wrap=True)
    columns = list(dict.fromkeys(name for speed in speeds for name in speed.times_as_fast))
    for heading in ("s", "ms", *(f"x {name}" for name in columns)):
        table.add_column(heading, justify="right")
    for speed in speeds:
        ratios = [f"{speed.times_as_fast[name]:.2f}" if name in speed.times_as_fast else "" for name in columns]
        table.add_row(speed.name, str(speed.sub_block or ""), f"{speed.seconds * 1000:.1f}", *ratios)
    table.caption = "x NAME: how many times as fast as NAME"
    table.caption_justify = "left"
    return table
