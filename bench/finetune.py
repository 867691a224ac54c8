"""Twenty photographs of other classes: fine-tuning a shipped model beside training the same network from scratch.

Usage: `VEILSEG_CAMVID=DIR python bench/finetune.py --json results/finetune.json`; some minutes of one core.

CamVid's eleven classes become six with other names, so that no row of the old head is kept. Both ways make the same
steps on the same crops of the same photographs of train, spread evenly over it; measured is mIoU on all of val. The
shipped model was trained on these photographs, with CamVid's classes: data that it has not seen will gain less.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from veilseg.data import SegmentationData, open_data
from veilseg.evaluation.provenance import provenance
from veilseg.evaluation.report import write_json
from veilseg.training.load import expand, from_dict
from veilseg.training.training_run import train

CAMVID = "camvid:$VEILSEG_CAMVID"
PHOTOGRAPHS = 20
#: New class: CamVid's.
GROUPS = {
    "air": ("sky",),
    "structure": ("building", "fence"),
    "ground": ("road", "pavement"),
    "vegetation": ("tree",),
    "street furniture": ("pole", "sign"),
    "traffic": ("car", "pedestrian", "bicyclist"),
}
WAYS = {"fine-tuned": {"start": "default"}, "from scratch": {}}
SIZES = {"steps": 100, "batch": 8, "crop": 144, "val": None}
TINY = {"steps": 2, "batch": 2, "crop": 48, "val": 2}


def regroup(data: SegmentationData, count: int | None, folder: Path) -> str:
    """Write `count` photographs of `data`, spread evenly (None: all), with the new classes; the source's name."""
    ids = np.full(256, 255, np.uint8)
    for new, (_, names) in enumerate(GROUPS.items()):
        ids[[data.classes.index(name) for name in names]] = new
    for name in ("images", "labels"):
        (folder / name).mkdir(parents=True)
    (folder / "classes.json").write_text(json.dumps({"classes": list(GROUPS)}))
    for index in np.linspace(0, len(data) - 1, len(data) if count is None else count).round().astype(int):
        sample = data[int(index)]
        Image.fromarray(sample.image).save(folder / "images" / f"{sample.name}.png")
        Image.fromarray(ids[sample.label]).save(folder / "labels" / f"{sample.name}.png")
    return f"folder:{folder}"


def measure(way: str, seed: int, sources: tuple[str, str], sizes: dict[str, Any]) -> dict[str, Any]:
    """One training, from both sources' folders."""
    recipe = {
        # The shipped model's network, for both: from_dict would take it from the start, which one of them has.
        "model": {"architecture": "convseg", "input": "canonical", "block": 12, "sub_block": 12},
        "data": {"train": [{"source": sources[0]}], "val": {"source": sources[1]}},
        "augment": {"crop": [sizes["crop"]] * 2},
        "method": WAYS[way],
        "train": {"steps": sizes["steps"], "batch": sizes["batch"], "validate_every": sizes["steps"], "seed": seed},
        "machine": {"threads": 1, "workers": 0},
    }
    recipe["model"]["arguments"] = {"depths": [2, 2, 4, 6]}  # type: ignore[index]
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        scores = train(from_dict(recipe), Path(folder)).config.training
    return {
        "way": way,
        "seed": seed,
        **{name: scores[f"val_{name}"] for name in ("aacc", "miou", "macc")},
        "minutes": round((time.perf_counter() - begun) / 60, 1),
    }


def main() -> None:
    """Measure, print, and write where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--tiny", action="store_true", help="two steps on scenes, to see that it works")
    given = parser.parse_args()
    sizes = TINY if given.tiny else SIZES
    train_data, val_data = (
        (open_data("scenes:4"), open_data("scenes:2:9"))
        if given.tiny
        else (open_data(expand(CAMVID), split) for split in ("train", "val"))
    )
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        sources = (
            regroup(train_data, min(PHOTOGRAPHS, len(train_data)), folder / "train"),
            regroup(val_data, sizes["val"], folder / "val"),
        )
        for seed in range(given.seeds):
            for way in WAYS:
                rows.append(measure(way, seed, sources, sizes))
                print(rows[-1], flush=True)
    if given.json is not None:
        facts = {"photographs": PHOTOGRAPHS, "classes": GROUPS, **sizes, "rows": rows}
        write_json(given.json, {**facts, **provenance(seed=0)}, overwrite=True)


if __name__ == "__main__":
    main()
