"""`veilseg data import`: another tool's labels into folders that train, evaluate and check read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from veilseg.cli.common import progress_bar
from veilseg.cli.messages import note, show_error, show_warning

if TYPE_CHECKING:
    from veilseg.data.faults import Fault


def command(
    source: Annotated[
        str,
        typer.Argument(
            metavar="FORMAT:PATH",
            help="masks:DIR, coco:FILE, cityscapes:DIR, labelme:DIR, label-studio:FILE, supervisely:DIR or "
            "hugging-face:DIR.",
            show_default=False,
        ),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="DIR", help="The new dataset.", show_default=False)],
    images: Annotated[
        Path | None, typer.Option("--images", metavar="DIR", help="The photographs, where PATH does not hold them.")
    ] = None,
    classes: Annotated[
        Path | None,
        typer.Option("--classes", metavar="FILE", help="Table of classes: a line name,r,g,b for each, or JSON."),
    ] = None,
    renamed: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="FROM=TO", help="Rename or merge a class (name, id or #rrggbb); repeat it."),
    ] = None,
    ignored: Annotated[
        list[str] | None,
        typer.Option("--ignore", metavar="CLASS", help="Ignore a class (name, id or #rrggbb); repeat it."),
    ] = None,
    reduce_zero: Annotated[
        bool, typer.Option("--reduce-zero", help="Ignore id 0; the other ids move down by one.")
    ] = False,
    background: Annotated[
        str | None,
        typer.Option("--background", metavar="NAME", help="Class of pixels in no shape; ignore: they are ignored."),
    ] = None,
    val: Annotated[
        float | None,
        typer.Option("--val", metavar="SHARE", help="Share that validates. Default: 0.2, or the source's own parts."),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", metavar="N", min=0, help="Which images validate.")] = 0,
    leave_out: Annotated[
        bool, typer.Option("--leave-out-faulty", help="Name the photographs with faults, and go on without them.")
    ] = False,
) -> int:
    """Make a dataset of what was labelled elsewhere.

    The result is DIR/train/, DIR/val/ and DIR/classes.json. Photographs are copied as they are; labels become PNGs of
    class ids, 255 being ignored, and are turned where EXIF turns the photograph. Shapes are drawn in their order, later
    ones over earlier ones. All faults are listed, and with one nothing is written, unless --leave-out-faulty leaves out
    what has them.

    A table of classes has a line name,r,g,b (or r g b name, or CVAT's labelmap.txt) for every class; without colours
    the lines name the ids 0, 1, 2, ...

    Examples:
      veilseg data import masks:masks/ --images photos/ --classes colours.csv -o data/mine
      veilseg data import masks:masks/ --images photos/ --map truck=car --ignore void --classes colours.csv -o data/mine
      veilseg data import coco:instances.json --images photos/ --background ignore -o data/mine
    """
    from veilseg.data.faults import count_of
    from veilseg.data.importing.mapping import Choices, make_mapping
    from veilseg.data.importing.registry import read_source
    from veilseg.data.importing.table import read_table
    from veilseg.data.importing.writing import refuse_full, write_source
    from veilseg.errors import InvalidDataError, UsageError

    if val is not None and not 0 <= val < 1:
        raise UsageError(f"--val is a share from 0 to less than 1, not {val}", "0.2 is a fifth")
    refuse_full(output)
    found = read_source(source, images, read_table(classes) if classes else None)
    choices = Choices(tuple(renamed or ()), tuple(ignored or ()), reduce_zero, background)
    try:
        mapping = make_mapping(found, choices)
    except InvalidDataError:
        _say(found.faults)
        raise
    with progress_bar(len(found.items), "import") as advance:
        written = write_source(found, mapping, output, share=val, seed=seed, leave_out=leave_out, advance=advance)
    _say(written.faults)
    for remark in written.remarks:
        show_warning(remark)
    if not written.parts:
        show_error(f"nothing is written, {count_of(written.faults)}", "mend what is named, or pass --leave-out-faulty")
        return 1
    parts = ", ".join(f"{count} in {part}/" for part, count in written.parts.items())
    count = f"{len(mapping.classes)} class{'es' if len(mapping.classes) != 1 else ''}"
    left = f", {count_of(written.faults)} left out" if written.faults else ""
    print(f"{output}: {sum(written.parts.values())} images ({parts}), {count}{left}")
    note(f"next: veilseg data check {output} -o check.html")
    return 0


def _say(faults: Sequence[Fault]) -> None:
    for fault in faults:
        note(f"fault: {fault}")
