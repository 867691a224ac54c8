"""The best and the worst pictures of a validation: photograph, label and what the model makes of it."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from html import escape

import numpy as np
import torch
from PIL import Image

from veilseg.runtime import colorize
from veilseg.training.module import SegmentationTraining
from veilseg.training.samples import ValidationSamples

SHOWN = 3  # pictures each
LONGEST = 480  # pixels of a picture on the page

Scored = tuple[int, float]  # place in the dataset, mIoU


def choose(images: Sequence[Scored]) -> tuple[list[Scored], list[Scored]]:
    """The best and the worst, each from its end, none twice."""
    order = sorted(images, key=lambda image: (-image[1], image[0]))
    best = order[: min(SHOWN, (len(order) + 1) // 2)]
    return best, order[len(best) :][: -SHOWN - 1 : -1]


@torch.no_grad()
def figures(module: SegmentationTraining, val: ValidationSamples, chosen: Sequence[Scored]) -> str:
    """HTML of the chosen pictures, in their order."""
    palette = np.array(module.model.config.palette, np.uint8)
    shown = []
    for index, miou in chosen:
        sample = val.data[index]
        height, width = sample.label.shape
        images, _ = val.batch([val[index]], module.device)
        found = module.predict(images)[:height, :width].astype(np.uint8)
        name, score = escape(sample.name), f"mIoU {100 * miou:.1f} %"
        pictures = (
            _picture(sample.image, f"Photograph {name}", "JPEG"),
            _picture(colorize(sample.label, palette), f"Label of {name}", "PNG"),
            _picture(colorize(found, palette), f"The model's map of {name}, {score}", "PNG"),
        )
        shown.append(f'<div class="three">{"".join(pictures)}</div><p class="note">{name}: {score}</p>')
    return "\n".join(shown)


def _picture(pixels: np.ndarray, alt: str, kind: str) -> str:
    image = Image.fromarray(np.ascontiguousarray(pixels))
    filters = {"JPEG": Image.Resampling.LANCZOS, "PNG": Image.Resampling.NEAREST}
    image.thumbnail((LONGEST, LONGEST), filters[kind])
    buffer = io.BytesIO()
    image.save(buffer, kind, quality=85)
    data = base64.b64encode(buffer.getvalue()).decode("ascii")
    size = f'width="{image.width}" height="{image.height}"'
    return f'<figure><img src="data:image/{kind.lower()};base64,{data}" {size} alt="{alt}"></figure>'
