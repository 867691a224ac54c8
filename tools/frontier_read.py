"""Draw docs/frontier-read.svg: the accuracy that is kept against what trained attackers read, for every size of cell.

python tools/frontier_read.py; reads results/: mIoU of the shipped networks and of the row of s = 16, characters of
generated scenes' plates that the specialised readers read, faces of 24 pixels named among forty, SSIM of pictures that
a network drew. Prints the points, and fills the table in docs/threat-model.md. A point without one of these figures
says so.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from results_page import ROOT, put

RESULTS = ROOT / "results"
PAGE = ROOT / "docs" / "threat-model.md"
NAME = "subblock-sort"
FACE = 24
"""Pixels: the height of the heads."""
SCORES = {4: "camvid-val-sort4", 8: "camvid-val-sort8", 12: "camvid-val-default-sort", 16: "rows/taught-sort16-0"}


@dataclass(frozen=True)
class Point:
    """One size of cell: mIoU in percent, shares with their bounds [share, low, high], SSIM."""

    side: int
    miou: float
    read: list[float]
    whole: list[float]
    named: list[float]
    ssim: float


def load(name: str) -> Any:
    """A file of results/."""
    return json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))


def points() -> list[Point]:
    """The smallest cells first."""
    readers, faces = load("readers-specialist")["sides"], load("faces")["rows"]
    ssim = {row["cell"]: row["sort"]["ssim"][0] for row in load("reconstruction")["rows"]}
    named = {row["cell"]: row["named"] for row in faces
             if row["cipher"] == NAME and row["cell"] * row["height_in_cells"] == FACE}  # fmt: skip
    return [
        Point(side, load(name)["mIoU"], *(readers[str(side)]["all"][part] for part in ("characters", "whole")),
              named[side], ssim[side])
        for side, name in SCORES.items()
    ]  # fmt: skip


def table(found: list[Point], plain: float) -> list[str]:
    """The points as a table."""
    lines = ["| | mIoU | characters read | plates whole | faces of 24 pixels named | SSIM |", "|---" * 6 + "|"]
    lines.append(f"| plain | {plain:.2f} | | | | 1 |")
    for one in found:
        shares = [within(share) for share in (one.read, one.whole, one.named)]
        lines.append(f"| s = {one.side} | {one.miou:.2f} | {' | '.join(shares)} | {one.ssim:.3f} |")
    return lines


def within(share: list[float]) -> str:
    """A share with its bounds, in percent: "12 (10 to 13)"."""
    value, low, high = (100 * one for one in share)
    return f"{value:.0f} ({low:.0f} to {high:.0f})"


def fill(text: str) -> str:
    """The page with the table."""
    return put(text, "frontier read", table(points(), load("camvid-val-plain")["mIoU"]))


def draw(found: list[Point], plain: float, target: Path) -> None:
    """The figure."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "veilseg"
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(8, 4.5))
    series = (("plate characters read", "o", "#0b6e69"), ("faces of 24 pixels named", "s", "#b4552d"))
    for (name, mark, colour), shares in zip(series, zip(*((p.read, p.named) for p in found), strict=True), strict=True):
        x = [100 * share for share, _, _ in shares]
        spread = [[100 * (v - low) for v, low, _ in shares], [100 * (high - v) for v, _, high in shares]]
        axes.errorbar(x, [p.miou for p in found], xerr=spread, fmt=f"{mark}-", color=colour, capsize=3, label=name)
    for point in found:
        text = f"s = {point.side} (SSIM {point.ssim:.2f})"
        axes.annotate(text, (100 * point.read[0], point.miou), (6, 6), textcoords="offset points", fontsize=8)
    axes.axhline(plain, color="0.5", linewidth=1, linestyle="--")
    axes.annotate("plain photographs", (1, plain), (0, 3), textcoords="offset points", fontsize=8, color="0.4")
    axes.set(xlabel="read or named by attackers who trained for it, %", ylabel="mIoU, CamVid val", xlim=(0, 100))
    axes.margins(y=0.15)
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right")
    figure.tight_layout()
    figure.savefig(target, metadata={"Date": None})


if __name__ == "__main__":
    measured = points()
    of_plain = load("camvid-val-plain")["mIoU"]
    print(*table(measured, of_plain), sep="\n")
    draw(measured, of_plain, ROOT / "docs" / "frontier-read.svg")
    PAGE.write_text(fill(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
