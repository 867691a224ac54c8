"""Fill docs/performance.md from results/: python tools/performance_page.py

What stands between a marker such as

    <!-- table client.json end_to_end: cipher, sub_block = s, images_per_second = images/s -->

and `<!-- end -->` becomes a table of these entries of every object in the list (a dotted path) of that file; `a = b`
gives a column another title. Then docs/performance.svg, the growth curves.
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
    text = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(MARKER.sub(lambda found: found[1] + table(found[2], found[3], found[4]) + found[5], text))
    draw(ROOT / "docs" / "performance.svg")


def load(name: str, path: str) -> list[dict[str, Any]]:
    """The list of objects at a dotted path of results/NAME."""
    found = json.loads((ROOT / "results" / name).read_text(encoding="utf-8"))
    for part in path.split("."):
        found = found[part]
    return found


def table(name: str, path: str, columns: str) -> str:
    """One line for every object; what an object lacks stays empty."""
    wanted = [tuple(column.split(" = ")) for column in columns.split(", ")]
    lines = [f"| {' | '.join(column[-1] for column in wanted)} |", "|---" * len(wanted) + "|"]
    for row in load(name, path):
        lines.append(f"| {' | '.join(str(row.get(column[0], '')) for column in wanted)} |")
    return "\n".join(lines) + "\n"


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
