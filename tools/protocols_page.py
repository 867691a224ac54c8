"""Put the published protocols into docs/results.md.

Usage: python tools/protocols_page.py
Reads results/protocols/, what recipes/protocols.sh wrote for us, and fills the page's places: ours first, the paper's
numbers below. A protocol that has not ended is left as it is.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from results_page import PAGE, ROOT, put

CONDITIONS = ("correct key", "no encryption", "wrong key")
#: The columns of every protocol's table: entry and title.
COLUMNS = {
    "keys": ("baseline", *CONDITIONS, "one class everywhere"),
    "random-keys": ("baseline", "whislo", "q1", "med", "q3", "whishi", "one class everywhere", "distinct predictions"),
    "conventional": ("baseline", *CONDITIONS, "one class everywhere"),
    "independent-keys": ("aAcc", "mIoU", "mAcc", "mIoU kept"),
}
TITLES = {
    "whislo": "lower whisker",
    "q1": "first quartile",
    "med": "median",
    "q3": "third quartile",
    "whishi": "upper whisker",
}
Cells = dict[str, Any]


def main() -> None:
    """Rewrite the page."""
    PAGE.write_text(fill(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


def fill(text: str) -> str:
    """The page with the tables of all protocols that have ended."""
    for name, columns in COLUMNS.items():
        path = ROOT / "results" / "protocols" / f"{name}.json"
        found = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        if "summary" in found:
            text = put(text, f"protocol {name}", table(found, columns))
    return text


def table(found: dict[str, Any], columns: tuple[str, ...]) -> list[str]:
    """A line for every model of a journal's summary, and for the paper's."""
    titles = [TITLES.get(column, column) for column in columns]
    lines = [f"| | {' | '.join(titles)} |", "|---" * (len(columns) + 1) + "|"]
    lines += [row(Path(model).name, flat(cells), columns) for model, cells in found["summary"].items()]
    published = found["published"]
    if isinstance(published, dict):
        named = {name: cells if isinstance(cells, dict) else {name: cells} for name, cells in published.items()}
        lines += [row(f"*published: {name}*", cells, columns) for name, cells in named.items()]
    return lines


def flat(cells: Cells) -> Cells:
    """The scores of `keys` lie one level below."""
    return {**cells, **cells.get("mIoU", {})} if isinstance(cells.get("mIoU"), dict) else cells


def row(title: str, cells: Cells, columns: tuple[str, ...]) -> str:
    """One line; what was not measured stays empty."""
    values = [cells.get(column) for column in columns]
    shown = ["" if value is None else str(value) if isinstance(value, int) else f"{value:.2f}" for value in values]
    return f"| {title} | {' | '.join(shown)} |"


if __name__ == "__main__":
    main()
