"""Pictures of ciphers and of label maps side by side, as in the papers' figures."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from veilseg import ciphers
from veilseg.catalog import DEFAULT_LONGER_SIDE
from veilseg.ciphers import client_cipher
from veilseg.errors import UsageError
from veilseg.evaluation.protocols import plots
from veilseg.evaluation.protocols.journal import Journal
from veilseg.evaluation.protocols.settings import ProtocolSettings
from veilseg.evaluation.report import Comparison
from veilseg.runtime import colorize
from veilseg.scale import ORIGINAL, reduce_photograph

if TYPE_CHECKING:
    from veilseg.data.base import Sample

Picture = tuple[str, np.ndarray]
#: What is shown of the ciphers: (title, name, sub-block).
SHOWN = (
    *((f"shuffled, s = {s}", "subblock-shuffle", s) for s in (16, 8, 4)),
    ("sorted, s = 8", "subblock-sort", 8),
    ("mosaic 8", "mosaic", 8),
    ("permuted", "patch-permutation", None),
    ("rotated", "patch-rotation", None),
)
BLOCK = 16


def run(settings: ProtocolSettings, journal: Journal) -> Comparison:
    """Write figure-0.png, ... for the first `settings.count` images: what is sent under every cipher, all label maps.

    Models for plain images are also shown encrypted: right key, no key, wrong key. The table says how many pixels of
    each map are right, in percent.
    """
    count = min(settings.count, len(settings.data), settings.limit or settings.count)
    if count < 1:
        raise UsageError("a figure needs at least one image")
    rows = []
    for index in range(count):
        sample = settings.data[index]
        maps = [picture for model in settings.models for picture in _maps(settings, model, sample)]
        shown = [("true classes", colorize(sample.label, settings.data.palette))]
        shown += [(name, colorize(labels, settings.data.palette)) for name, labels in maps]
        small = reduce_photograph(sample.image, DEFAULT_LONGER_SIDE)
        sent = [("photograph", small), *encrypted_pictures(settings, small)]
        wide = max(len(sent), 4)
        parts = [shown[start : start + wide] for start in range(0, len(shown), wide)]
        plots.pictures(settings.out / f"figure-{index}.png", [sent, *parts])
        known = sample.label != 255
        right = {name: 100 * float(np.mean((labels == sample.label)[known])) for name, labels in maps}
        journal.step(sample.name, partial(dict, right))
        rows += [(f"{sample.name}: {name}", [value]) for name, value in right.items()]
    journal.conclude({"images": count})
    return Comparison(f"{settings.data.name}: right pixels in percent", ("aAcc",), rows)


def encrypted_pictures(settings: ProtocolSettings, image: np.ndarray) -> list[Picture]:
    """What a server or anybody on the way sees of `image` under each cipher, uint8 [H, W, 3]."""
    height, width = image.shape[:2]
    shown = []
    for name, cipher, sub_block in SHOWN:
        made = ciphers.cipher(cipher, block=BLOCK, sub_block=sub_block)
        stored = made.encrypt(image, settings.key(0) if made.key_use == "required" else None).pixels[:height, :width]
        shown.append((name, (stored >> 8 if stored.dtype == np.uint16 else stored).astype(np.uint8)))
    return shown


def _maps(settings: ProtocolSettings, model: str, sample: Sample) -> list[Picture]:
    """The label maps of a sample at its own size; the model sees it at the model's working size."""
    segmenter = settings.open(model)
    spec, size = segmenter.config.input, sample.label.shape
    small = segmenter.to_working_size(sample.image)
    if spec.encryption is not None:
        cipher: Any = client_cipher(spec)
        if spec.keyed:
            raise UsageError(f"{model} is encrypted already", "give the plain model")
        return [(f"{model}", segmenter.segment(cipher.encrypt(small, longer_side=ORIGINAL), size=size))]
    found = [(f"{model}: plain", segmenter.segment(sample.image))]
    with settings.encrypted(model, settings.key(0)) as encrypted:
        cipher = ciphers.cipher(settings.cipher, block=encrypted.config.input.block)
        right, wrong = (cipher.encrypt(small, settings.key(index), longer_side=ORIGINAL) for index in (0, 1))
        found.append((f"{model}: right key", encrypted.segment(right, size=size)))
        found.append((f"{model}: no encryption", encrypted.segment(sample.image, check=False)))
        found.append((f"{model}: wrong key", encrypted.segment(wrong, size=size, check=False)))
    return found
