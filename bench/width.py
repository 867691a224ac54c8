"""mIoU against the width of the photograph: at the working size, and as photographs were sent before.

CamVid's val photographs, enlarged smoothly to wider ones (their labels by nearest neighbour) or reduced. A real wide
photograph has more detail; what the model sees of the enlarged one is the scale.

    VEILSEG_CAMVID=DIR python bench/width.py results/width.json docs/width.svg
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
from PIL import Image

from veilseg.data import Sample, SegmentationData, open_data
from veilseg.evaluation.evaluate import evaluate
from veilseg.evaluation.provenance import provenance
from veilseg.evaluation.report import write_json
from veilseg.runtime import Segmenter
from veilseg.scale import ORIGINAL

WIDTHS = (240, 480, 720, 960, 1440, 1920, 4000)
IMAGES = 6


class Resized:
    """`count` photographs spread over a dataset, at another width."""

    def __init__(self, data: SegmentationData, count: int, width: int) -> None:
        self.name, self.classes, self.palette, self._width = data.name, data.classes, data.palette, width
        self._samples = [data[index] for index in np.linspace(0, len(data) - 1, count).astype(int).tolist()]

    def __len__(self) -> int:
        return len(self._samples)

    def __getitem__(self, index: int) -> Sample:
        sample = self._samples[index]
        size = self._width, round(self._width * sample.label.shape[0] / sample.label.shape[1])
        image = np.asarray(Image.fromarray(sample.image).resize(size, Image.Resampling.BICUBIC))
        label = np.asarray(Image.fromarray(sample.label).resize(size, Image.Resampling.NEAREST))
        return Sample(sample.name, image, label)


def draw(rows: list[dict[str, float]], path: str) -> None:
    """The figure: mIoU against width, two lines."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "veilseg"
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(6, 3.5), layout="constrained")
    widths = [row["width"] for row in rows]
    axes.plot(widths, [row["working_size"] for row in rows], "o-", label="reduced to the working size, 480 pixels")
    axes.plot(widths, [row["original"] for row in rows], "s--", label="--longer-side original")
    axes.set(xscale="log", xlabel="width of the photograph, pixels", ylabel="mIoU, percent", ylim=(0, 80))
    axes.set_xticks(widths, [str(width) for width in widths], rotation=45)
    axes.minorticks_off()
    axes.grid(alpha=0.3)
    axes.legend(loc="lower left")
    figure.savefig(path, metadata={"Date": None})


def main() -> None:
    """Measure, write the JSON file, draw the figure."""
    data = open_data(f"camvid:{os.environ['VEILSEG_CAMVID']}", "val")
    working, original = Segmenter("default"), Segmenter("default", longer_side=ORIGINAL)
    rows = []
    for width in WIDTHS:
        resized = Resized(data, IMAGES, width)
        row: dict[str, float] = {"width": width}
        for name, segmenter in (("working_size", working), ("original", original)):
            result = evaluate(segmenter, resized, progress=False)
            row |= {name: round(result.scores["mIoU"], 2), f"{name}_aAcc": round(result.scores["aAcc"], 2)}
        rows.append(row)
        print(row, flush=True)
    write_json(Path(sys.argv[1]), {**provenance(), "images": IMAGES, "rows": rows}, overwrite=True)
    draw(rows, sys.argv[2])


if __name__ == "__main__":
    main()
