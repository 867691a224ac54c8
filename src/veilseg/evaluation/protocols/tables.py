"""Tables of a protocol: ours above, the paper's below, in the same columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from veilseg.evaluation.report import percent

if TYPE_CHECKING:
    from rich.table import Table

Row = tuple[str, Sequence[float | None]]


def side_by_side(title: str, columns: Sequence[str], ours: Sequence[Row], published: Sequence[Row]) -> Table:
    """A rich table; numbers in percent, "-" where there is none."""
    from rich import box
    from rich.table import Table

    table = Table(title=title, box=box.SIMPLE_HEAD, title_justify="left")
    table.add_column("", overflow="fold")  # names of models may differ in their ends only
    for column in columns:
        table.add_column(column, justify="right")
    for rows, style in ((ours, None), (published, "dim")):
        for name, values in rows:
            table.add_row(name, *(percent(value) for value in values), style=style)
        table.add_section()
    return table
