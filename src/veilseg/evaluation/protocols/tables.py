"""What a protocol found, for people: ours above, the paper's below, in the same columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from veilseg.evaluation.report import percent

if TYPE_CHECKING:
    from rich.table import Table

Row = tuple[str, Sequence[float | None]]


@dataclass(frozen=True)
class Comparison:
    """Rows of numbers in percent, None where there is none."""

    title: str
    columns: Sequence[str]
    ours: Sequence[Row]
    published: Sequence[Row] = ()

    def table(self) -> Table:
        """A rich table."""
        from rich import box
        from rich.table import Table

        table = Table(title=self.title, box=box.SIMPLE_HEAD, title_justify="left")
        table.add_column("", overflow="fold")  # names of models may differ in their ends only
        for column in self.columns:
            table.add_column(column, justify="right")
        for rows, style in ((self.ours, None), (self.published, "dim")):
            for name, values in rows:
                table.add_row(name, *(percent(value) for value in values), style=style)
            table.add_section()
        return table
