"""Results for people (tables) and for machines (JSON)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from veilseg.evaluation.evaluate import Result
from veilseg.files import make_folder, write_atomic
from veilseg.inputspec import PLAIN
from veilseg.spec import read_spec

if TYPE_CHECKING:
    from rich.table import Table

COLUMNS = ("aAcc", "mIoU", "mAcc")
PAGE_NAME = "index.html"
Row = tuple[str, Sequence[float | None]]


def result_table(rows: Sequence[tuple[str, Result]], title: str | None = None) -> Table:
    """A rich table: one row per (name, result) with aAcc, mIoU, mAcc in percent, and what is sent per image in kB.

    It keeps all columns down to 40 characters; names break between words.
    """
    from rich import box
    from rich.table import Table

    table = Table(title=title, box=box.SIMPLE_HEAD, title_justify="left", padding=0, show_edge=False)
    table.caption, table.caption_justify = "kB: the file that is sent for one image", "left"
    table.add_column("input", overflow="fold", min_width=16)
    for name in (*COLUMNS, "kB"):
        table.add_column(name, justify="right", no_wrap=True)
    for name, result in rows:
        scores = [percent(result.scores[column]) for column in COLUMNS]
        table.add_row(name, *scores, f"{result.bytes_per_image / 1000:,.0f}")
    return table


def class_table(result: Result) -> Table:
    """A rich table: IoU and recall in percent of every class; "-" for classes that do not occur."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("class")
    for name in ("IoU", "Acc"):
        table.add_column(name, justify="right")
    for name, scores in result.matrix.per_class(result.classes).items():
        table.add_row(name, *(percent(None if value is None else 100 * value) for value in scores.values()))
    return table


@dataclass(frozen=True)
class Comparison:
    """What a protocol found, ours above and the paper's below: numbers in percent, None where there is none."""

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


def percent(value: float | None) -> str:
    """Two decimals; "-" where there is no number."""
    return "-" if value is None or value != value else f"{value:.2f}"


def input_name(described: dict[str, Any]) -> str:
    """One line of what evaluate.describe says: "subblock-shuffle, block 16, sub-block 8"."""
    return PLAIN if described["cipher"] == PLAIN else str(read_spec(described))


def write_page(folder: Path, page: str, name: str, figures: dict[str, Any], *, overwrite: bool) -> Path:
    """Writes `folder`/index.html for people and `folder`/`name`, JSON, for machines; returns the page's path."""
    make_folder(folder)
    write_json(folder / name, figures, overwrite=overwrite)
    write_atomic(folder / PAGE_NAME, page.encode(), overwrite=overwrite)
    return folder / PAGE_NAME


def write_json(path: Path | str, content: dict[str, Any], *, overwrite: bool = True) -> None:
    """Writes `content` as indented JSON, whole or not at all."""
    write_atomic(Path(path), (json.dumps(content, indent=2) + "\n").encode(), overwrite=overwrite)
