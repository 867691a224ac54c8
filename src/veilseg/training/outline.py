"""A first recipe for a dataset that was looked at: what to begin with, and what each line is there for."""

from __future__ import annotations

import json
import statistics

from veilseg.catalog import DEFAULT_CIPHER, DEFAULT_LONGER_SIDE
from veilseg.data.base import IGNORED
from veilseg.data.check import DataReport
from veilseg.spec import make_spec

#: Below so many images a run begins with the shipped model.
SMALL = 2000
BATCH = 8
#: Steps for each image, at least and at most so many: 80 rounds at a batch of 8.
STEPS_PER_IMAGE, LEAST_STEPS, MOST_STEPS = 10, 400, 20_000
MOST_CROP = 256  # pixels
RARE = 0.01  # of the labelled pixels


def outline(spec: str, train: DataReport, val: DataReport) -> str:
    """The text of a recipe, YAML with comments, for the parts train and val of the dataset that `spec` names."""
    block = make_spec(DEFAULT_CIPHER).block
    steps = min(MOST_STEPS, max(LEAST_STEPS, STEPS_PER_IMAGE * train.count // 50 * 50))
    rounds = round(steps * BATCH / train.count)
    crop = max(block, min(MOST_CROP, _shorter_side(train)) // block * block)
    source = json.dumps(spec, ensure_ascii=False)
    return f"""\
# {_line(spec)}: {train.count} images to learn from, {val.count} to validate; {_sizes(train)}.
# Classes, and their share of the labelled pixels:
{_classes(train)}
# Usage: veilseg train THIS_FILE -o runs/NAME
# Any line can be overridden there: veilseg train THIS_FILE train.steps={steps * 2} -o runs/NAME

{_beginning(train.count, block)}
data:
  train:
    - {{source: {source}, split: train}}
  val: {{source: {source}, split: val}}
  # Larger photographs are reduced to so many pixels along their longer side, here and by every client of the model.
  # Thin and distant things need more of them; time and what an encrypted image gives away grow with it.
  longer_side: {DEFAULT_LONGER_SIDE}

augment:
  # What a step sees of an image: height and width, whole blocks of {block} pixels.
  crop: [{crop}, {crop}]
  # Images are also drawn smaller and larger. Left and right change places: set flip to false where they differ.
  scale: [0.6, 1.8]
  flip: true

train:
  # {rounds} rounds of {train.count} images. The curves in report.html tell whether more help.
  steps: {steps}
  batch: {BATCH}
  # Of these validations the curves in report.html are made.
  validate_every: {max(1, steps // 8)}
"""


def _beginning(count: int, block: int) -> str:
    if count < SMALL:
        return f"""\
method:
  # Begin with the shipped model: its network, its cipher (cells of {block} pixels) and what it knows of streets.
  # Classes of the same names are kept, others get a new head. Without this line the training is from scratch.
  start: default
"""
    return f"""\
model:
  # Trained from scratch: the data is large. method: {{start: default}} would begin with the shipped model.
  architecture: convseg
  # Images of subblock-sort, of which cells of {block} pixels are seen, and of subblock-shuffle.
  input: canonical
"""


def _shorter_side(report: DataReport) -> int:
    """Pixels of the shorter side at the working size, the median of the images."""
    sides = [min(1.0, DEFAULT_LONGER_SIDE / max(size)) * min(size) for size in report.sizes.elements()]
    return int(statistics.median(sides))


def _sizes(report: DataReport) -> str:
    ((width, height), count), *others = report.sizes.most_common()
    rest = f", the others have {len(others)} other size{'s' * (len(others) > 1)}" if others else ""
    return f"{'all' if not others else count} have {width} x {height} pixels{rest}"


def _classes(report: DataReport) -> str:
    """A comment's lines."""
    labelled = max(1, int(report.pixels[:IGNORED].sum()))
    lines = []
    for index, name in enumerate(report.classes):
        share = report.pixels[index] / labelled
        rare = "  (rare: look at it in report.html)" if 0 < share < RARE else ""
        absent = "  (not one pixel: label some, or leave the class out)" if not share else ""
        lines.append(f"#   {index:>3}  {share:7.2%}  {_line(name)}{rare}{absent}")
    return "\n".join([*lines, f"#   255  {report.ignored:7.2%}  of all pixels are ignored"])


def _line(text: str) -> str:
    """A text that ends no comment."""
    return " ".join("".join(each if each.isprintable() else " " for each in text).split())
