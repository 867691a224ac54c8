"""Put what the trained readers read into docs/threat-model.md.

Usage: python tools/readers_page.py
Reads results/readers.json and readers-specialist.json, which `python -m veilseg.audit.readers` writes.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from results_page import ROOT, put

PAGE = ROOT / "docs" / "threat-model.md"
RESULTS = ROOT / "results"
CIPHERS = ("subblock-sort", "subblock-quartiles", "mosaic")
SIDES = ("4", "8", "12", "16")
#: Plates below which a part of the scenes is not shown.
FEWEST = 30
Found = dict[str, Any]


def main() -> None:
    """Rewrite the page."""
    PAGE.write_text(fill(PAGE.read_text(encoding="utf-8"), read(RESULTS)), encoding="utf-8")


def read(folder: Path) -> Found:
    """The figures of both files."""
    found, specialist = (
        json.loads((folder / name).read_text(encoding="utf-8")) for name in ("readers.json", "readers-specialist.json")
    )
    return {**found, "specialist": specialist["sides"]}


def fill(text: str, found: Found) -> str:
    """The page with the tables."""
    tables = {"heights": heights, "default": in_detail, "scenes": scenes, "cameras": cameras}
    for name, table in tables.items():
        text = put(text, f"readers {name}", table(found))
    return text


def heights(found: Found) -> list[str]:
    """Characters by letter height, for every cipher and s."""
    tables = found["by_height"]["learned"]
    columns = [(name, side) for name in CIPHERS for side in SIDES]
    lines = [
        "| letter height in cells | "
        + " | ".join(f"{name.removeprefix('subblock-')}, {s}" for name, s in columns)
        + " |",
        "|---" * (len(columns) + 1) + "|",
    ]
    for part in tables[SIDES[0]][CIPHERS[0]]:
        shares = [within(tables[side][name][part]["characters"]) for name, side in columns]
        lines.append(f"| {part} | {' | '.join(shares)} |")
    return lines


def in_detail(found: Found) -> list[str]:
    """All that was measured of the default cipher at s = 4 and 8."""
    titles = (
        "s", "letter height in cells", "characters", "format unknown", "among the first three", "plates whole",
        "guessing", "characters, unseen fonts", "whole, unseen fonts",
    )  # fmt: skip
    lines = [f"| {' | '.join(titles)} |", "|---" * len(titles) + "|"]
    for side in SIDES:
        learned, unseen = (found["by_height"][fonts][side][CIPHERS[0]] for fonts in ("learned", "unseen"))
        for part, rates in learned.items():
            shares = [rates[name] for name in ("characters", "characters_without_format", "among_first_three", "whole")]
            cells = [side, part, *(within(share) for share in shares), percent(rates["guessing"])]
            cells += [within(unseen[part][name]) for name in ("characters", "whole")]
            lines.append(f"| {' | '.join(cells)} |")
    return lines


def scenes(found: Found) -> list[str]:
    """Generated scenes: by the shipped reader, and by those that learned nothing else, also by letter height."""
    titles = ["reader", "cipher", "s", "letter height in cells", "plates", "characters"]
    titles += ["among the first three", "whole", "guessing"]
    lines = [f"| {' | '.join(titles)} |", "|---" * len(titles) + "|"]
    rows = [("shipped", name, side, "all", found["scenes"][side][name]["all"]) for side in SIDES for name in CIPHERS]
    for side, table in found["specialist"].items():
        parts = [(part, rates) for part, rates in table.items() if rates["lines"] >= FEWEST]
        rows += [("specialist", CIPHERS[0], side, part, rates) for part, rates in parts]
    for reader, name, side, part, rates in rows:
        shares = [rates[one] for one in ("characters", "among_first_three", "whole")]
        cells = [reader, name, side, part, str(rates["lines"]), *map(within, shares), percent(rates["guessing"])]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def cameras(found: Found) -> list[str]:
    """The letters of a British plate in photographs."""
    titles = ["camera", "distance", "longer side", "letter, pixels"]
    titles += [f"cells at s = {s}" for s in SIDES] + [f"read at s = {s} (plates whole)" for s in SIDES]
    lines = [f"| {' | '.join(titles)} |", "|---" * len(titles) + "|"]
    for row in found["cameras"]:
        size = str(row["longer_side"]) if row["longer_side"] else "original"
        cells = [row["camera"], f"{row['metres']} m", size, f"{row['pixels']:.1f}"]
        cells += [f"{row['cells'][side]:.2f}" for side in SIDES]
        for side in SIDES:
            rates = row["read"][side][CIPHERS[0]]
            cells.append(f"{percent(rates['characters'][0])} ({percent(rates['whole'][0])})")
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def within(share: list[float]) -> str:
    """A share with its bounds, in percent: "88 (86 to 90)"."""
    value, low, high = (100 * one for one in share)
    return f"{value:.0f} ({low:.0f} to {high:.0f})"


def percent(share: float) -> str:
    """Without bounds."""
    return f"{100 * share:.0f} %"


if __name__ == "__main__":
    main()
