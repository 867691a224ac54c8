"""Draw docs/results.md's tables from results/rows/: python tools/results_page.py

Every row is a file, written by

    veilseg evaluate --data camvid:DIR --model runs/rows/NAME --per-class --json results/rows/NAME.json

Rows that differ in their seed only are one line, mean and range. What stands between the page's markers is replaced.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "results.md"
METHODS = {"plain": "plain images", "shuffled": "the way of [P1]", "mosaic": "mosaic", "canonical": "key-invariant"}
PAPER = {16: 72.2, 8: 81.1, 4: 91.1}  # mIoU kept, percent: [P1], Table II
THIN = ("pole", "sign", "pedestrian", "bicyclist")
Row = dict[str, Any]


def main() -> None:
    """Rewrite the page."""
    groups: dict[tuple[str, int], list[Row]] = defaultdict(list)
    for path in sorted((ROOT / "results" / "rows").glob("*.json")):
        row = json.loads(path.read_text(encoding="utf-8"))
        groups[kind(row)].append(row)
    plain = groups[(METHODS["plain"], 0)]
    base = mean([row["mIoU"] for row in plain])
    text = PAGE.read_text(encoding="utf-8")
    for name, lines in (("scores", scores(groups, base)), ("thin", thin(groups))):
        block = f"<!-- {name} -->\n" + "\n".join(lines) + f"\n<!-- end {name} -->"
        text = re.sub(f"<!-- {name} -->.*?<!-- end {name} -->", lambda _, block=block: block, text, flags=re.DOTALL)
    PAGE.write_text(text, encoding="utf-8")


def kind(row: Row) -> tuple[str, int]:
    """Method and sub-block (0 for plain images) of a row."""
    recipe = row["training"]["recipe"]
    name = METHODS[recipe["model"]["input"]]
    if recipe["method"]["teacher"]:
        name += " + teacher"
    return name, 0 if name == METHODS["plain"] else recipe["model"]["sub_block"]


def scores(groups: dict[tuple[str, int], list[Row]], base: float) -> list[str]:
    """One line per method and sub-block: scores, seeds, mIoU kept, and what the paper keeps."""
    lines = ["| | s | aAcc | mIoU | mAcc | seeds | mIoU kept | [P1] keeps |", "|---|---|---|---|---|---|---|---|"]
    for (name, s), rows in sorted(groups.items(), key=lambda item: (item[0][1], item[0][0])):
        cells = [spread([row[score] for row in rows]) for score in ("aAcc", "mIoU", "mAcc")]
        kept = 100 * mean([row["mIoU"] for row in rows]) / base
        paper = f"{PAPER[s]} %" if s in PAPER and name == METHODS["shuffled"] else ""
        lines.append(f"| {name} | {s or ''} | {' | '.join(cells)} | {len(rows)} | {kept:.1f} % | {paper} |")
    return lines


def thin(groups: dict[tuple[str, int], list[Row]]) -> list[str]:
    """IoU of the thin classes."""
    lines = [f"| IoU | s | {' | '.join(THIN)} |", "|---|---|" + "---|" * len(THIN)]
    for (name, s), rows in sorted(groups.items(), key=lambda item: (item[0][1], item[0][0])):
        cells = [spread([100 * row["per_class"][label]["iou"] for row in rows]) for label in THIN]
        lines.append(f"| {name} | {s or ''} | {' | '.join(cells)} |")
    return lines


def mean(values: list[float]) -> float:
    """The arithmetic mean."""
    return sum(values) / len(values)


def spread(values: list[float]) -> str:
    """The mean, and the range where there are several."""
    if len(values) == 1:
        return f"{values[0]:.2f}"
    return f"{mean(values):.2f} ({min(values):.2f} to {max(values):.2f})"


if __name__ == "__main__":
    main()
