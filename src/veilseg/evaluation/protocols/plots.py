"""Figures as PNG files, drawn by matplotlib without a screen."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from veilseg.files import write_atomic

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DOTS_PER_INCH = 150


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of `width` x `height` inches, without any window behind it."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def save_figure(figure: Figure, path: Path) -> None:
    """Write `figure` as PNG, whole or not at all, replacing that of an earlier run."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=DOTS_PER_INCH, metadata={"Software": None})
    write_atomic(path, buffer.getvalue(), overwrite=True)


def bars(path: Path, groups: Sequence[str], series: Sequence[tuple[str, Sequence[float]]], label: str) -> None:
    """Grouped bars: one group per name in `groups`, one bar in each for every (name, values) of `series`."""
    figure = new_figure(1.6 + 1.4 * len(groups), 3.2)
    axes = figure.subplots()
    width = 0.8 / len(series)
    for index, (name, values) in enumerate(series):
        axes.bar(np.arange(len(groups)) + (index - (len(series) - 1) / 2) * width, values, width, label=name)
    axes.set_xticks(range(len(groups)), groups)
    axes.set_ylabel(label)
    axes.legend(fontsize="small")
    save_figure(figure, path)


def pictures(path: Path, rows: Sequence[Sequence[tuple[str, np.ndarray]]]) -> None:
    """Rows of (title, uint8 [H, W, 3]) side by side."""
    columns = max(len(row) for row in rows)
    height, width = rows[0][0][1].shape[:2]
    figure = new_figure(2.4 * columns, len(rows) * (2.4 * height / width + 0.25))
    grid: Any = figure.subplots(len(rows), columns, squeeze=False)
    for axes in grid.flat:
        axes.axis("off")
    for line, row in zip(grid, rows, strict=True):
        for axes, (title, image) in zip(line, row, strict=False):
            axes.imshow(image, interpolation="nearest")
            axes.set_title(title, fontsize=8)
    save_figure(figure, path)
