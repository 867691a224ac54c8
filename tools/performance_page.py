"""Fill docs/performance.md from results/.

Usage: python tools/performance_page.py

What stands between a marker such as

    <!-- table client.json end_to_end: cipher, sub_block = s, images_per_second = images/s -->

and `<!-- end -->` becomes a table of these entries of every object in the list (a dotted path) of that file; `a = b`
gives a column another title, and a line says on which machine and commit. Then docs/performance.svg, the growth curves.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "performance.md"
MARKER = re.compile(r"(<!-- table (\S+) (\S+): (.*?) -->\n).*?(<!-- end -->)", re.DOTALL)


def main() -> None:
    """Rewrite the page and draw the figure."""
    PAGE.write_text(fill(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    draw(ROOT / "docs" / "performance.svg")


def fill(text: str) -> str:
    """The page with its tables."""
    return MARKER.sub(lambda found: found[1] + table(found[2], found[3], found[4]) + found[5], text)


def load(name: str, path: str) -> Any:
    """What stands at a dotted path of results/NAME."""
    found = json.loads((ROOT / "results" / name).read_text(encoding="utf-8"))
    for part in path.split("."):
        found = found[part]
    return found


def table(name: str, path: str, columns: str) -> str:
    """One line for every object, what an object lacks stays empty; and below where it was measured."""
    wanted = [tuple(column.split(" = ")) for column in columns.split(", ")]
    lines = [f"| {' | '.join(column[-1] for column in wanted)} |", "|---" * len(wanted) + "|"]
    for row in load(name, path):
        lines.append(f"| {' | '.join(cell(row, column[0]) for column in wanted)} |")
    machine = load(name, "machine")
    lines += ["", f"*{machine['processor']}, {machine['cores']} cores; commit {load(name, 'commit')[:7]}*"]
    return "\n".join(lines) + "\n"


def cell(row: dict[str, Any], entry: str) -> str:
    """One entry (a dotted path); numbers with at most four decimals."""
    found: Any = row
    for part in entry.split("."):
        found = found.get(part, "") if isinstance(found, dict) else ""
    return str(round(found, 4) if isinstance(found, float) else "" if found is None else found)


def draw(target: Path) -> None:
    """Time and memory against the number of images and the size of one."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "veilseg"
    from matplotlib import pyplot

    figure, (images, sizes) = pyplot.subplots(1, 2, figsize=(8, 3))
    rows = load("client.json", "growth")
    images.loglog([row["images"] for row in rows], [row["ms_per_image"] for row in rows], "o-")
    images.set(xlabel="images", ylabel="ms per image", title="veilseg encrypt, 160 x 120")
    rows = load("large.json", "sizes")
    sizes.loglog([row["megapixels"] for row in rows], [row["mib_peak"] for row in rows], "o-", label="peak, MiB")
    sizes.loglog([row["megapixels"] for row in rows], [row["seconds"] for row in rows], "s-", label="seconds")
    sizes.set(xlabel="megapixels", title="one image segmented")
    sizes.legend(fontsize="small")
    for axes in (images, sizes):
        axes.grid(alpha=0.3)
    figure.tight_layout()
    figure.savefig(target, metadata={"Date": None})


if __name__ == "__main__":
    main()
