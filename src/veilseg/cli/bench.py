"""`veilseg bench`: how fast this machine encrypts and segments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from veilseg.cli.common import Force, JsonFile

if TYPE_CHECKING:
    from rich.table import Table

    from veilseg.benchmarks.speed import Speed


def command(
    height: Annotated[int, typer.Option("--height", metavar="PIXELS", min=16, help="Height of the image.")] = 1024,
    width: Annotated[int, typer.Option("--width", metavar="PIXELS", min=16, help="Width of the image.")] = 2048,
    repeats: Annotated[int, typer.Option("--repeats", metavar="N", min=1, help="Runs to take the median of.")] = 7,
    segmentation: Annotated[
        bool, typer.Option(help="Also compare the segmentation of encrypted and of plain input.")
    ] = True,
    json_file: JsonFile = None,
    force: Force = False,
) -> None:
    """Measure every cipher against a plain copy and against the obvious NumPy way (random numbers and argsort).

    All ways take turns in one run, and medians are compared: read the ratios, since times depend on what else the
    machine does. Then the shipped models: encrypted against plain input.

    Examples:
      veilseg bench
      veilseg bench --no-segmentation --json speed.json
    """
    from dataclasses import asdict

    from rich.console import Console

    from veilseg.benchmarks.speed import measure_encryption, measure_segmentation
    from veilseg.cli.messages import note
    from veilseg.errors import VeilsegError
    from veilseg.evaluation.provenance import provenance
    from veilseg.evaluation.report import write_json
    from veilseg.files import check_output

    if json_file is not None:
        check_output(json_file, overwrite=force)
    console = Console(highlight=False, markup=False)
    encryption = measure_encryption(height, width, repeats)
    copy = min(speed.seconds for speed in encryption if speed.name == "copy")
    caption = (
        "argsort: shuffling sub-blocks of s pixels in NumPy by random numbers and argsort; times: how many times as "
    )
    caption += f"fast the job is. Copying the image takes {copy * 1000:.1f} ms."
    jobs = [speed for speed in encryption if speed.name not in ("copy", "argsort")]
    console.print(_table(f"encryption of {width} x {height} pixels", jobs, "argsort", caption))
    segmented: list[Speed] = []
    if segmentation:
        try:
            segmented = measure_segmentation(repeats=repeats)
            caption = "plain: a plain image and the plain model; times: how many times as fast the job is"
            console.print(_table("segmentation by the shipped models", segmented, "plain", caption))
        except (ImportError, VeilsegError) as error:
            reason = error.message if isinstance(error, VeilsegError) else f"{error.name} is missing"
            note(f"segmentation was not measured: {reason}")
    if json_file is not None:
        figures = {
            "image": {"height": height, "width": width},
            "repeats": repeats,
            "encryption": [asdict(speed) for speed in encryption],
            "segmentation": [asdict(speed) for speed in segmented],
        }
        write_json(json_file, {**provenance(), **figures}, overwrite=force)


def _table(title: str, speeds: list[Speed], baseline: str, caption: str) -> Table:
    """One row for every way that is compared with others; `baseline` is the one whose time stands beside it."""
    from rich import box
    from rich.table import Table

    table = Table(title=title, box=box.SIMPLE_HEAD, title_justify="left", padding=0, show_edge=False)
    table.caption, table.caption_justify = caption, "left"
    table.add_column("job", no_wrap=True)
    for heading in ("s", "ms", f"{baseline} ms", "times"):
        table.add_column(heading, justify="right")
    for speed in speeds:
        if speed.times_as_fast:
            ratio = speed.times_as_fast.get(baseline)
            compared = ["-", "-"] if ratio is None else [f"{speed.seconds * ratio * 1000:.1f}", f"{ratio:.2f}"]
            table.add_row(speed.name, str(speed.sub_block or "-"), f"{speed.seconds * 1000:.1f}", *compared)
    return table
