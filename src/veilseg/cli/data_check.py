"""`veilseg data check`: everything that is wrong with a dataset, and what is in it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from veilseg.cli.common import Force, JsonFile, progress_bar
from veilseg.cli.messages import note, show_warning
from veilseg.data.registry import forms

if TYPE_CHECKING:
    from veilseg.data.check import DataReport


def command(
    data: Annotated[str, typer.Argument(metavar="DIR", help=f"A folder of ours, or {forms()}.")],
    split: Annotated[
        str | None, typer.Option("--split", metavar="NAME", help="Part of the dataset. Default: all parts of a folder.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write a contact sheet, one HTML file.")
    ] = None,
    json_file: JsonFile = None,
    limit: Annotated[int | None, typer.Option("--limit", metavar="N", min=1, help="Only the first N images.")] = None,
    force: Force = False,
) -> int:
    """Say all that is wrong with a dataset, and what is in it.

    Every pair is read, and all faults are named at once, with the files that have them. Then come pixels and images per
    class, sizes, and what may be meant or not: a class without a pixel, much that is ignored. The exit code is 1 where
    there is a fault. The sheet shows the photographs.

    Examples:
      veilseg data check data/mine -o check.html
      veilseg data check camvid:CamVid --split train --json train.json
    """
    from veilseg.data.check import check_data
    from veilseg.data.registry import find_data
    from veilseg.data.sheet import build_sheet
    from veilseg.evaluation.provenance import provenance
    from veilseg.evaluation.report import write_json
    from veilseg.files import check_output, write_atomic

    for path in (output, json_file):
        if path is not None:
            check_output(path, overwrite=force)
    checked = []
    for dataset in find_data(data, split):
        total = len(dataset) if limit is None else min(limit, len(dataset))
        with progress_bar(total, dataset.name) as advance:
            checked.append((dataset, check_data(dataset, limit, advance)))
    for _, report in checked:
        _print(report)
    if json_file is not None:
        figures = {"data": data, "splits": [report.to_dict() for _, report in checked]}
        write_json(json_file, {**provenance(), **figures}, overwrite=force)
    if output is not None:
        write_atomic(output, build_sheet(checked).encode(), overwrite=force)
        note(f"{output} shows your photographs: it is as private as they are")
    return 1 if any(report.faults for _, report in checked) else 0


def _print(report: DataReport) -> None:
    """The report of one dataset: figures to stdout, faults and remarks to stderr."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    from veilseg.data.faults import count_of

    sizes = ", ".join(f"{count} of {w} x {h}" for (w, h), count in report.sizes.most_common(4))
    more = f" and {len(report.sizes) - 4} other sizes" if len(report.sizes) > 4 else ""
    console = Console(highlight=False, markup=False)
    console.print(f"{report.name}: {report.count} images, {count_of(report.faults)}", soft_wrap=True)
    console.print(f"sizes: {sizes or 'none could be read'}{more}", soft_wrap=True)
    table = Table(box=box.SIMPLE_HEAD, padding=0, show_edge=False)
    table.add_column("id", justify="right")
    table.add_column("class", overflow="fold")
    for name in ("pixels", "share", "images"):
        table.add_column(name, justify="right", no_wrap=True)
    total = max(1, int(report.pixels.sum()))
    names = dict(enumerate(report.classes)) | {255: "ignored"}
    for index in range(256):
        pixels, images = int(report.pixels[index]), int(report.images[index])
        if pixels or index in names:
            name = names.get(index, "no class")
            table.add_row(str(index), name, f"{pixels:,}", f"{pixels / total:.2%}", str(images))
    console.print(table)
    for fault in report.faults:
        note(f"fault: {fault}")
    for remark in report.remarks:
        show_warning(remark)
