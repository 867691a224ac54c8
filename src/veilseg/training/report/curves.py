"""A run's loss and mIoU over its steps: read from its logs, drawn as SVG that follows the page's colours."""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from html import escape
from pathlib import Path

Point = tuple[int, float]
WIDTH, HEIGHT = 520, 240
LEFT, RIGHT, TOP, BOTTOM = 52, 14, 12, 34  # margins, pixels


def read_log(folder: Path, name: str) -> list[Point]:
    """(step, value) of a column of every metrics.csv below `folder`; of a step that was made twice, the later part's.

    A run that was interrupted has a part for every time that it went on.
    """
    found: dict[int, float] = {}
    parts = folder.glob("version_*/metrics.csv")
    for path in sorted(parts, key=lambda part: int(part.parent.name.rpartition("_")[2])):
        with path.open(encoding="utf-8", newline="") as file:
            rows = [row for row in csv.DictReader(file) if row.get(name)]
        if rows:
            first = int(rows[0]["step"])
            found = {step: value for step, value in found.items() if step < first}
        found |= {int(row["step"]): float(row[name]) for row in rows}
    return sorted((step, value) for step, value in found.items() if math.isfinite(value))


def draw(points: Sequence[Point], title: str, unit: str = "") -> str:
    """A line through (step, value) as inline SVG, with a name for readers who cannot see it."""
    steps, values = [step for step, _ in points], [value for _, value in points]
    low, high = _range(values)
    first, last = min(steps), max(max(steps), min(steps) + 1)

    def place(step: float, value: float) -> tuple[float, float]:
        x = LEFT + (step - first) / (last - first) * (WIDTH - LEFT - RIGHT)
        return round(x, 1), round(HEIGHT - BOTTOM - (value - low) / (high - low) * (HEIGHT - TOP - BOTTOM), 1)

    said = f"{title}: {values[0]:.4g}{unit} at step {steps[0]}, {values[-1]:.4g}{unit} at step {steps[-1]}"
    parts = [f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(said)}">']
    for share in (0, 0.5, 1):
        value = low + share * (high - low)
        _, y = place(first, value)
        parts.append(f'<line class="grid-line" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y}" y2="{y}"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y + 4}" text-anchor="end">{value:.3g}</text>')
    for step, anchor in ((first, "start"), (last, "end")):
        x, _ = place(step, low)
        parts.append(f'<text x="{x}" y="{HEIGHT - 12}" text-anchor="{anchor}">step {step}</text>')
    corners = [place(*point) for point in points]
    parts.append(f'<polyline class="curve" points="{" ".join(f"{x},{y}" for x, y in corners)}"/>')
    if len(corners) <= 40:
        parts += [f'<circle class="dot" cx="{x}" cy="{y}" r="3"/>' for x, y in corners]
    return "".join(parts) + "</svg>"


def _range(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    return (low, high) if high > low else (low - 0.5, high + 0.5)
