"""Put the figures of every size of cell into docs/settings.md, whose script reads them: python tools/settings_page.py.

Reads results/: CamVid's val for mIoU and bytes (models of one network and budget), the readers of number plates.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from results_page import ROOT, put

PAGE = ROOT / "docs" / "settings.md"
RESULTS = ROOT / "results"
#: Cells in pixels (0: plain images), the file with the scores of the model that reads them, and the model if it ships.
SETTINGS = (
    (0, "camvid-val-plain.json", "plain"),
    (4, "camvid-val-sort4.json", "sort4"),
    (8, "camvid-val-sort8.json", "sort8"),
    (12, "camvid-val-default-sort.json", "default"),
    (16, "rows/taught-sort16-0.json", None),
)


@dataclass(frozen=True)
class Setting:
    """One size of cell: scores of its model, and what the best reader makes of number plates (None: it shows all)."""

    side: int
    model: str | None
    scores: dict[str, Any]
    reader: dict[str, Any] | None


def main() -> None:
    """Rewrite the page."""
    PAGE.write_text(fill(PAGE.read_text(encoding="utf-8"), settings()), encoding="utf-8")


def load(name: str) -> dict[str, Any]:
    """A file of results/."""
    found: dict[str, Any] = json.loads((RESULTS / name).read_text(encoding="utf-8"))
    return found


def settings() -> list[Setting]:
    """All sizes of cell, the most accurate first."""
    readers = load("readers-specialist.json")["sides"]
    return [
        Setting(side, model, load(file), readers[str(side)]["all"] if side else None) for side, file, model in SETTINGS
    ]


def fill(text: str, found: list[Setting]) -> str:
    """The page with the table of these settings."""
    lines = ["| cells | model | mIoU | pedestrian IoU | kB an image | characters read | plates read whole |"]
    lines += ["|---|---|---|---|---|---|---|", *map(row, found)]
    return put(text, "settings", lines)


def row(setting: Setting) -> str:
    """One line of the table."""
    scores = setting.scores
    name = f"{setting.side} x {setting.side}" if setting.side else "none: plain images"
    read = ["not hidden", "not hidden"]
    if setting.reader is not None:
        read = [f"{100 * setting.reader[kind][0]:.1f} %" for kind in ("characters", "whole")]
    cells = [
        name,
        f"`{setting.model}`" if setting.model else "not shipped",
        f"{scores['mIoU']:.2f}",
        f"{100 * scores['per_class']['pedestrian']['iou']:.1f}",
        f"{scores['bytes_per_image'] / 1000:.0f}",
        *read,
    ]
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
