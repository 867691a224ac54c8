"""`veilseg demo`: the main job end to end, with what is in the package."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from veilseg.demo.measurements import DEMO_SCENES, DEMO_SEED, run_demo


def command(
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FOLDER", help="Where the page and the figures are written.")
    ] = Path("demo"),
    scenes: Annotated[
        int, typer.Option("--scenes", metavar="N", min=1, help="How many street scenes are generated.")
    ] = DEMO_SCENES,
    seed: Annotated[
        int, typer.Option("--seed", metavar="N", min=0, help="Which scenes. Keys never come from a seed.")
    ] = DEMO_SEED,
) -> None:
    """Encrypt generated street scenes, segment them with the shipped models, and show what everybody sees.

    Prints a table (plain, encrypted, wrong key) and writes one HTML page with pictures, FOLDER/index.html, and the
    figures as FOLDER/results.json. Needs no torch, no network and no data; takes well under a minute.

    Example:
      veilseg demo -o demo
    """
    from rich.console import Console

    from veilseg.cli.messages import note
    from veilseg.demo.page import agreement, write_demo
    from veilseg.errors import UsageError
    from veilseg.evaluation.report import result_table
    from veilseg.files import make_folder

    page = output / "index.html"
    if page.exists() and not (output / "results.json").exists():
        raise UsageError(f"{page} is not a page of this demo", "choose another -o")
    make_folder(output)
    demo = run_demo(scenes, seed, progress=note)
    page = write_demo(demo, output)
    console = Console(highlight=False, markup=False)
    rows = [(f"{row.group}: {row.name}", row.result) for row in demo.rows.values()]
    console.print(result_table(rows, title=f"{len(demo.scenes)} generated street scenes, scores in percent"))
    console.print(agreement(demo))
    note(f"The page with pictures: {page}")
