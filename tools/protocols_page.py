"""Put the published protocols into docs/results.md: python tools/protocols_page.py

Reads results/protocols/NAME.json, which recipes/protocols.sh writes, and replaces what stands between the page's
markers `<!-- protocol NAME -->` and `<!-- end protocol NAME -->`: ours first, the paper's numbers below. A protocol
without a file is left out.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "results.md"
#: The columns of every protocol's table.
COLUMNS = {
    "keys": ("baseline", "correct key", "no encryption", "wrong key", "one class everywhere"),
    "random-keys": ("baseline", "whislo", "q1", "med", "q3", "whishi", "one class everywhere", "distinct predictions"),
    "conventional": ("baseline", "correct key", "no encryption", "wrong key", "one class everywhere"),
    "independent-keys": ("aAcc", "mIoU", "mAcc", "mIoU kept"),
}
TITLES = {
    "whislo": "lower whisker",
    "q1": "first quartile",
    "med": "median",
    "q3": "third quartile",
    "whishi": "upper whisker",
}


def main() -> None:
    """Rewrite the page."""
    text = PAGE.read_text(encoding="utf-8")
    for name, columns in COLUMNS.items():
        path = ROOT / "results" / "protocols" / f"{name}.json"
        if not path.exists():
            continue
        lines = table(json.loads(path.read_text(encoding="utf-8")), columns)
        block = f"<!-- protocol {name} -->\n" + "\n".join(lines) + f"\n<!-- end protocol {name} -->"
        pattern = f"<!-- protocol {name} -->.*?<!-- end protocol {name} -->"
        text, count = re.subn(pattern, lambda _, block=block: block, text, flags=re.DOTALL)
        if count != 1:
            raise SystemExit(f"{PAGE} has no place for the protocol {name}")
    PAGE.write_text(text, encoding="utf-8")


def table(found: dict[str, Any], columns: tuple[str, ...]) -> list[str]:
    """A table of the journal's summary and of the paper's numbers."""
    lines = [f"| | {' | '.join(TITLES.get(column, column) for column in columns)} |", "|---" * (len(columns) + 1) + "|"]
    lines += [row(Path(name).name, cells, columns) for name, cells in found["summary"].items()]
    published = found["published"]
    if isinstance(published, dict):
        cells = {name: value if isinstance(value, dict) else {name: value} for name, value in published.items()}
        lines += [row(f"*published: {name}*", cell, columns) for name, cell in cells.items()]
    return lines


def row(title: str, cells: dict[str, Any], columns: tuple[str, ...]) -> str:
    """One line; what was not measured stays empty."""
    values = [cells.get(column) for column in columns]
    shown = ["" if value is None else str(value) if isinstance(value, int) else f"{value:.2f}" for value in values]
    return f"| {title} | {' | '.join(shown)} |"


if __name__ == "__main__":
    main()
