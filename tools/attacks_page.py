"""Fill the tables of reconstructions, faces, objects and JPEG's traces in docs/threat-model.md from results/.

python tools/attacks_page.py, after reconstruction.py, faces.py, reidentification.py and jpeg.py of bench/.
"""

from __future__ import annotations

from itertools import product
from typing import Any

from frontier_read import PAGE, load, within
from results_page import put

Rows = list[dict[str, Any]]
SIDES = (4, 8, 12, 16)
SORT, MOSAIC = "subblock-sort", "mosaic"


def reconstruction(rows: Rows) -> list[str]:
    """SSIM of pictures from means and from sorted cells, without a network and with one, and the last one's PSNR."""
    names = {
        "thumbnail": "`thumbnail`",
        "rank-placement": "`rank-placement`",
        "means": "network, means alone",
        "sort": "network, sorted cells",
    }
    lines = [f"| s | {' | '.join(names.values())} | PSNR of the last | core minutes |", "|---" * (len(names) + 3) + "|"]
    for row in rows:
        shown = ["{:.3f} ({:.3f} to {:.3f})".format(*row[name]["ssim"]) for name in names]
        minutes = row["sort"]["core_seconds"] / 60
        lines.append(f"| {row['cell']} | {' | '.join(shown)} | {row['sort']['psnr'][0]:.1f} dB | {minutes:.0f} |")
    return lines


def faces(rows: Rows) -> list[str]:
    """Heads named, a line for every height and cell, in the order of heights in cells."""
    lines = [
        "| head, cells | s | head, pixels | sort: named | among the first three | mosaic: named |",
        "|---" * 6 + "|",
    ]
    of = {(row["cell"], row["height_in_cells"], row["cipher"]): row for row in rows}
    for side, height in sorted({key[:2] for key in of}, key=lambda key: (key[1], key[0])):
        sort, mosaic = (of[side, height, name] for name in (SORT, MOSAIC))
        shares = [within(share) for share in (sort["named"], sort["among_first_three"], mosaic["named"])]
        lines.append(f"| {height:g} | {side} | {side * height:g} | {' | '.join(shares)} |")
    return lines


def objects(rows: Rows) -> list[str]:
    """Objects found again, by the time between, for both ciphers at every s."""
    gaps = sorted({row["frames_later"] for row in rows})
    names = [f"{name}, {gap / 30:.2g} s later" for name, gap in product(("sort", "mosaic"), gaps)]
    lines = [f"| s | {' | '.join(names)} |", "|---" * (len(names) + 1) + "|"]
    of = {(row["cipher"], row["cell"], row["frames_later"]): row["found"] for row in rows}
    for side in SIDES:
        shares = [within(of[name, side, gap]) for name, gap in product((SORT, MOSAIC), gaps)]
        lines.append(f"| {side} | {' | '.join(shares)} |")
    return lines


def jpeg(rows: Rows) -> list[str]:
    """Cells right to the pixel, and those of them that have one value."""
    columns = [(4, "as it is"), (8, "as it is"), (8, "reduced first"), (12, "as it is"), (16, "as it is")]
    names = [f"s = {side}" + (", reduced first" if how != "as it is" else "") for side, how in columns]
    lines = [f"| quality | colour's resolution | {' | '.join(names)} |", "|---" * (len(names) + 2) + "|"]
    of = {(row["quality"], row["colour"], row["cell"], row["photograph"]): row for row in rows}
    for quality, colour in dict.fromkeys(key[:2] for key in of):
        found = [of[quality, colour, *column] for column in columns]
        cells = [f"{100 * one['exact'][0]:.1f} ({100 * one['flat']:.1f})" for one in found]
        lines.append(f"| {quality} | {colour} | {' | '.join(cells)} |")
    return lines


def fill(text: str) -> str:
    """The page with the tables."""
    tables = {
        "attacks reconstruction": reconstruction(load("reconstruction")["rows"]),
        "attacks faces": faces(load("faces")["rows"]),
        "attacks objects": objects(load("reidentification")["rows"]),
        "attacks jpeg": jpeg(load("jpeg")["rows"]),
    }
    for name, table in tables.items():
        text = put(text, name, table)
    return text


if __name__ == "__main__":
    PAGE.write_text(fill(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
