"""Draw docs/frontier.svg: how much of its use a picture keeps (mIoU) against how much of itself it gives away.

python tools/frontier.py [RESULTS]; reads every `veilseg evaluate --json` of CamVid's val split in RESULTS (default
results/) and the audits audit-camvid.json (SSIM of the best attack) and audit-scenes.json (plate characters read).
Prints the points; a cipher without a measured model is listed and not drawn.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
DATA = "camvid/val"
#: Two names of one thing: every key of the one gives the canonical form that the other sends.
SAME = {"subblock-shuffle": "sub-blocks", "subblock-sort": "sub-blocks"}


@dataclass(frozen=True)
class Point:
    """One cipher: the best SSIM, the share of plate characters read, mIoU in percent; None: not measured."""

    name: str
    ssim: float
    plates: float | None
    miou: float | None


def identify(described: dict[str, Any]) -> str:
    """One name for what an audit or an evaluation says about its cipher."""
    name = SAME.get(described["cipher"], described["cipher"])
    options = [f"{key} {described[key]}" for key, usual in (("channels", "sub-block"), ("shuffle", "channel"))
               if described.get(key) not in (None, usual)]  # fmt: skip
    size = [f"s = {described['sub_block']}"] if described.get("sub_block") else []
    return ", ".join([name, *size, *options])


def utilities(folder: Path) -> dict[str, float]:
    """The best mIoU of every input that was evaluated on all of CamVid val; equal inputs may have several models."""
    best: dict[str, float] = {}
    for path in sorted(folder.glob("*.json")):
        found = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(found, dict) or found.get("data", {}).get("name") != DATA or "mIoU" not in found:
            continue
        name = identify(found["input"])
        best[name] = max(best.get(name, 0.0), found["mIoU"])
    return best


def points(folder: Path) -> list[Point]:
    """Plain images, and every cipher that was audited."""
    known = utilities(folder)
    audits = {name: json.loads((folder / f"audit-{name}.json").read_text(encoding="utf-8"))
              for name in ("camvid", "scenes") if (folder / f"audit-{name}.json").exists()}  # fmt: skip
    if not audits:
        raise SystemExit(f"there is no audit-camvid.json or audit-scenes.json in {folder}")
    ssim: dict[str, float] = {}
    plates: dict[str, float] = {}
    for name, audit in audits.items():
        for entry in audit["ciphers"]:
            cipher = identify(entry["cipher"])
            if name == "camvid" or "camvid" not in audits:
                ssim[cipher] = max(ssim.get(cipher, 0.0), entry["best"]["ssim"])
            views = [view for attack in entry["attacks"] for view in attack["views"].values()]
            read = [view["recognised"]["plate_characters"] for view in views if view["recognised"]]
            plain = entry["read_in_plain_images"]
            for value in read:
                if value is not None:
                    plates[cipher] = max(plates.get(cipher, 0.0), value)
            if plain and plain["plate_characters"] is not None:
                plates["plain"] = plain["plate_characters"]
    ssim["plain"] = 1.0
    return [Point(name, ssim[name], plates.get(name), known.get(name)) for name in sorted(ssim, key=lambda n: -ssim[n])]


def draw(found: list[Point], target: Path) -> None:
    """The figure; mIoU as a share of that of plain images."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "veilseg"
    from matplotlib import pyplot

    (plain,) = [point.miou for point in found if point.name == "plain"]
    if plain is None:
        raise SystemExit("no model for plain images was evaluated on CamVid val")
    figure, axes = pyplot.subplots(figsize=(7, 4.5))
    names: dict[tuple[float, float, float | None], list[str]] = {}  # of the points that lie in one place
    for point in found:
        if point.miou is not None:
            place = (round(point.ssim, 2), round(100 * point.miou / plain, 1), point.plates)
            names.setdefault(place, []).append(point.name)
    for (ssim, kept, plates), alike in names.items():
        axes.plot(ssim, kept, "o", color="#0b6e69")
        read = "" if plates is None else f"\nplate characters read: {100 * plates:.0f} %"
        axes.annotate(", ".join(alike) + read, (ssim, kept), xytext=(-6, -6), textcoords="offset points",
                      ha="right", va="top", fontsize=9)  # fmt: skip
    axes.set(xlabel="given away: SSIM of the best attack", ylabel="kept: mIoU, % of plain", xlim=(0, 1.05))
    axes.margins(y=0.2)
    axes.grid(alpha=0.3)
    figure.tight_layout()
    figure.savefig(target, metadata={"Date": None})


if __name__ == "__main__":
    measured = points(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "results")
    for one in measured:
        miou = "not measured" if one.miou is None else f"{one.miou:.2f}"
        read = "not measured" if one.plates is None else f"{100 * one.plates:.0f} %"
        print(f"{one.name:40} SSIM {one.ssim:.3f}   plate characters {read:12} mIoU {miou}")
    draw(measured, ROOT / "docs" / "frontier.svg")
