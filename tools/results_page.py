"""Draw docs/results.md's tables and figure from results/rows/.

Usage: python tools/results_page.py
The files are those of tools/experiment.py. Rows that differ in their seed only are one line, mean and range. What
stands between the page's markers is replaced, and docs/results.svg.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "results.md"
METHODS = {
    "canonical": "key-invariant",
    "quartiles": "quartiles",
    "mosaic": "mosaic",
    "shuffled": "the way of [Hirose 2026]",
    "plain": "plain images",
}
TAUGHT = " + teacher"
#: The plain model that ConvSeg learns from: SETR on DINOv2 with patches of 8 pixels.
TEACHER = "fine"
WIDTH, PAPER_WIDTH = 480, 2048  # pixels: of the photographs here, and of the paper's
PAPER = {16: 72.2, 8: 81.1, 4: 91.1}  # mIoU kept, percent: [Hirose 2026], Table II
#: The lines of the figure: network and method.
DRAWN = {
    ("taught convseg", "key-invariant + teacher"): "ConvSeg taught by DINOv2, key-invariant (shipped)",
    ("setr-mla on DINOv2", "key-invariant + closed form + teacher"): "SETR-MLA on DINOv2, key-invariant, taught",
    ("setr-mla on DINOv2", "key-invariant"): "SETR-MLA on DINOv2, key-invariant",
    ("setr-mla on DINOv2", "the way of [Hirose 2026]"): "SETR-MLA on DINOv2, the way of [Hirose 2026]",
}
THIN = ("pole", "sign", "pedestrian", "bicyclist")
Row = dict[str, Any]


@dataclass(frozen=True, order=True)
class Group:
    """Rows that differ in their seed only: network, sub-block (0 for plain images), method."""

    network: str
    sub_block: int
    method: str


def main() -> None:
    """Rewrite the page and draw the figure."""
    groups = read(ROOT / "results" / "rows")
    PAGE.write_text(fill(PAGE.read_text(encoding="utf-8"), groups), encoding="utf-8")
    draw(groups, ROOT / "docs" / "results.svg")


def fill(text: str, groups: dict[Group, list[Row]]) -> str:
    """The page with the tables of these rows."""
    for network in {group.network: None for group in groups}:
        mine = {group: rows for group, rows in groups.items() if group.network == network}
        for name, lines in ((f"{network} scores", scores(mine)), (f"{network} thin", thin(mine))):
            text = put(text, name, lines)
    return text


def put(text: str, name: str, lines: list[str]) -> str:
    """The page with these lines at the place of that name."""
    block = f"<!-- {name} -->\n" + "\n".join(lines) + f"\n<!-- end {name} -->"
    text, count = re.subn(f"<!-- {name} -->.*?<!-- end {name} -->", lambda _: block, text, flags=re.DOTALL)
    if count != 1:
        raise SystemExit(f"{PAGE} has no place for {name}")
    return text


def read(folder: Path) -> dict[Group, list[Row]]:
    """All rows, by what they have in common but for the seed."""
    groups: dict[Group, list[Row]] = defaultdict(list)
    for path in sorted(folder.glob("*.json")):
        if path.stem == TEACHER:
            continue  # not measured against anything
        row = json.loads(path.read_text(encoding="utf-8"))
        recipe = row["training"]["recipe"]
        model = recipe["model"]
        options = {
            " + closed form": recipe["method"]["closed_form"],
            TAUGHT: recipe["method"]["teacher"],
        }
        method = METHODS[model["input"]] + "".join(name for name, given in options.items() if given)
        sub_block = 0 if model["input"] == "plain" else model["sub_block"]
        groups[Group(network_of(recipe), sub_block, method)].append(row)
    return dict(sorted(groups.items()))


def network_of(recipe: dict[str, Any]) -> str:
    """Which table a row belongs to: rows of different networks, starts or budgets do not compare."""
    if recipe["method"]["teacher"] == TEACHER and recipe["model"]["architecture"] == "convseg":
        return "taught convseg"
    on_dino = "dinov2" in str(recipe["model"]["arguments"].get("backbone"))
    return str(recipe["model"]["architecture"]) + (" on DINOv2" if on_dino else "")


def kept(groups: dict[Group, list[Row]], group: Group) -> float:
    """Percent of the mIoU of plain images, of the same network, with a teacher where the group has one and they do."""
    without, taught = (Group(group.network, 0, METHODS["plain"] + more) for more in ("", TAUGHT))
    if without not in groups:
        without = taught
    plain = groups[taught if group.method.endswith(TAUGHT) and taught in groups else without]
    return 100 * fmean([row["mIoU"] for row in groups[group]]) / fmean([row["mIoU"] for row in plain])


def scores(groups: dict[Group, list[Row]]) -> list[str]:
    """One line per method and sub-block: scores, seeds, mIoU kept, what the paper keeps, bytes as PNG."""
    lines = ["| | s | aAcc | mIoU | mAcc | seeds | mIoU kept | [Hirose 2026] keeps | kB an image |", "|---" * 9 + "|"]
    for group, rows in groups.items():
        cells = [spread([row[score] for row in rows]) for score in ("aAcc", "mIoU", "mAcc")]
        paper = f"{PAPER[group.sub_block]} %" if group.method == METHODS["shuffled"] else ""
        lines.append(
            f"| {group.method} | {group.sub_block or ''} | {' | '.join(cells)} | {len(rows)} "
            f"| {kept(groups, group):.1f} % | {paper} | {fmean([row['bytes_per_image'] for row in rows]) / 1000:.0f} |"
        )
    return lines


def thin(groups: dict[Group, list[Row]]) -> list[str]:
    """IoU of the thin classes."""
    lines = [f"| IoU | s | {' | '.join(THIN)} |", "|---|---|" + "---|" * len(THIN)]
    for group, rows in groups.items():
        cells = [spread([100 * row["per_class"][label]["iou"] for row in rows]) for label in THIN]
        lines.append(f"| {group.method} | {group.sub_block or ''} | {' | '.join(cells)} |")
    return lines


def draw(groups: dict[Group, list[Row]], target: Path) -> None:
    """Draw mIoU kept against the cells across the picture: our best methods, the paper's way, and the paper."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "veilseg"
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 4))
    lines: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for group in groups:
        if group.sub_block and (label := DRAWN.get((group.network, group.method))):
            lines[label].append((WIDTH / group.sub_block, kept(groups, group)))
    for label, line in lines.items():
        axes.plot(*zip(*sorted(line), strict=True), "o-", label=label)
    paper = sorted((PAPER_WIDTH / s, share) for s, share in PAPER.items())
    axes.plot(*zip(*paper, strict=True), "k^--", label="[Hirose 2026], Cityscapes, SETR-MLA")
    axes.axhline(100, color="grey", linewidth=0.8)
    axes.set_xscale("log", base=2)
    ticks = [30, 40, 60, 120, 256, 512]
    axes.set_xticks(ticks, [str(tick) for tick in ticks])
    axes.set(xlabel="cells across the picture", ylabel="kept: mIoU, % of plain images", ylim=(30, 104))
    axes.grid(alpha=0.3)
    axes.legend(fontsize="small")
    figure.tight_layout()
    figure.savefig(target, metadata={"Date": None})


def spread(values: list[float]) -> str:
    """The mean, and the range where there are several."""
    if len(values) == 1:
        return f"{values[0]:.2f}"
    return f"{fmean(values):.2f} ({min(values):.2f} to {max(values):.2f})"


if __name__ == "__main__":
    main()
