"""Draw docs/frontier.svg: how much of its use a picture keeps (mIoU) against how much of itself it gives away.

python tools/frontier.py; reads results/. Kept is a share of the mIoU of plain images under the same budget: for the
sub-blocks and the mosaic the rows of tools/experiment.py, for one key the shipped plain model, encrypted and not, for
the conventional ones the FCN of recipes/protocols.sh. Given away is the SSIM of the best attack of audit-camvid.json,
and the share of plate characters read in audit-scenes.json. Prints the points; a cipher without a measured model is
not drawn.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from results_page import METHODS, kept, read

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "results"
#: Every key of the shuffle gives the canonical form that the sort sends.
SUB_BLOCKS = {"subblock-shuffle": "sub-blocks", "subblock-sort": "sub-blocks"}
#: Methods of the rows by the audit's names.
ROWS = {
    "sub-blocks": METHODS["canonical"],
    "subblock-quartiles": METHODS["quartiles"],
    "mosaic": METHODS["mosaic"],
}
ONE_KEY = {"patch-permutation": "permutation", "patch-rotation": "rotation"}


@dataclass(frozen=True)
class Point:
    """One cipher: the best SSIM, the share of plate characters read, mIoU kept in percent; None: not measured."""

    name: str
    ssim: float
    plates: float | None
    kept: float | None


def load(name: str) -> dict[str, Any] | None:
    """A file of results/, None if it is not there."""
    path = RESULTS / name
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def identify(cipher: dict[str, Any]) -> str:
    """One name for a cipher of an audit."""
    name = SUB_BLOCKS.get(cipher["cipher"], cipher["cipher"])
    size = f"s = {cipher['sub_block']}" if cipher.get("sub_block") else f"M = {cipher['block']}"
    return name if name in ONE_KEY else f"{name}, {size}"


def utilities() -> dict[str, float]:
    """Percent of mIoU kept of everything that was measured, by name."""
    found = {"plain": 100.0}
    rows = read(RESULTS / "rows")
    names = {method: name for name, method in ROWS.items()}
    for group in rows:
        if group.network == "convseg" and group.method in names:
            found[f"{names[group.method]}, s = {group.sub_block}"] = kept(rows, group)
    conventional = (load("protocols/conventional.json") or {"summary": {}})["summary"]
    for model, scores in conventional.items():
        if trained := re.search(r"fcn-([a-z]+)(\d+)$", model):
            share = scores["correct key"] / conventional["runs/fcn"]["baseline"]
            found[f"{trained[1]}, M = {trained[2]}"] = 100 * share
    plain = load("camvid-val-plain.json")
    for cipher, file in ONE_KEY.items():
        encrypted = load(f"camvid-val-{file}.json")
        if plain and encrypted:
            found[cipher] = 100 * encrypted["mIoU"] / plain["mIoU"]
    return found


def leakage() -> tuple[dict[str, float], dict[str, float]]:
    """The best attack's SSIM on photographs, and the share of plate characters read in scenes, by name."""
    ssim, plates = {"plain": 1.0}, {}
    for entry in (load("audit-camvid.json") or {"ciphers": []})["ciphers"]:
        name = identify(entry["cipher"])
        ssim[name] = max(ssim.get(name, 0.0), entry["best"]["ssim"])
    for entry in (load("audit-scenes.json") or {"ciphers": []})["ciphers"]:
        made = [one for attack in entry["attacks"] for one in attack["reconstructions"].values()]
        read_ = [one["recognised"]["plate_characters"] for one in made if one["recognised"]]
        name = identify(entry["cipher"])
        plates[name] = max([plates.get(name, 0.0), *(share for share in read_ if share is not None)])
        if entry["read_in_plain_images"]:
            plates["plain"] = entry["read_in_plain_images"]["plate_characters"]
    return ssim, plates


def points() -> list[Point]:
    """Plain images and every cipher that was audited, the most revealing first."""
    ssim, plates = leakage()
    known = utilities()
    names = sorted(ssim, key=lambda name: -ssim[name])
    return [Point(name, ssim[name], plates.get(name), known.get(name)) for name in names]


def draw(found: list[Point], target: Path) -> None:
    """The figure."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "veilseg"
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(8, 5))
    alike: dict[tuple[float, float], list[Point]] = {}  # points that lie in one place
    for point in found:
        if point.kept is not None:
            alike.setdefault((round(point.ssim, 2), round(point.kept, 1)), []).append(point)
    for there in alike.values():
        ssim, share = there[0].ssim, there[0].kept
        names = ", ".join(point.name for point in there)
        read_ = sorted({round(100 * point.plates) for point in there if point.plates is not None})
        text = names + (f" ({' or '.join(map(str, read_))} %)" if read_ else "")
        means = there[0].name.startswith(("mosaic", "subblock-quartiles"))  # labels on the other side than the sort's
        axes.plot(ssim, share, "o", color="#b4552d" if means else "#0b6e69")
        if ssim > 0.95:
            place, across, along = (6, 8), "right", "bottom"
        else:
            place, across, along = (6 if means else -6, 0), "left" if means else "right", "center"
        axes.annotate(text, (ssim, share), place, textcoords="offset points", ha=across, va=along, fontsize=8)
    axes.set(
        xlabel="given away: SSIM of the best attack (in brackets: plate characters read)",
        ylabel="kept: mIoU, % of plain",
        xlim=(0.3, 1.05),
    )
    axes.margins(y=0.15)
    axes.grid(alpha=0.3)
    figure.tight_layout()
    figure.savefig(target, metadata={"Date": None})


if __name__ == "__main__":
    measured = points()
    for one in measured:
        share = "not measured" if one.kept is None else f"{one.kept:.1f} %"
        seen = "not measured" if one.plates is None else f"{100 * one.plates:.0f} %"
        print(f"{one.name:24} SSIM {one.ssim:.3f}   plate characters {seen:12} mIoU kept {share}")
    draw(measured, ROOT / "docs" / "frontier.svg")
