"""Pictures of ciphers and of label maps side by side, as in the papers' figures."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from veilseg import ciphers
from veilseg.catalog import DEFAULT_LONGER_SIDE
from veilseg.ciphers import client_cipher
from veilseg.data.reduced import ReducedData
from veilseg.errors import UsageError
from veilseg.evaluation.protocols import plots
from veilseg.evaluation.protocols.journal import Journal
from veilseg.evaluation.protocols.settings import ProtocolSettings
from veilseg.evaluation.report import Comparison
from veilseg.runtime import colorize

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
    data = ReducedData(settings.data, DEFAULT_LONGER_SIDE)
    for index in range(count):
        sample = data[index]
        maps = [picture for model in settings.models for picture in _maps(settings, model, sample)]
        shown = [("true classes", colorize(sample.label, settings.data.palette))]
        shown += [(name, colorize(labels, settings.data.palette)) for name, labels in maps]
        sent = [("photograph", sample.image), *encrypted_pictures(settings, sample.image)]
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
    segmenter = settings.open(model)
    spec = segmenter.config.input
    if spec.encryption is not None:
        cipher: Any = client_cipher(spec)
        if spec.keyed:
            raise UsageError(f"{model} is encrypted already", "give the plain model")
        return [(f"{model}", segmenter.segment(cipher.encrypt(sample.image)))]
    found = [(f"{model}: plain", segmenter.segment(sample.image))]
    with settings.encrypted(model, settings.key(0)) as encrypted:
        cipher = ciphers.cipher(settings.cipher, block=encrypted.config.input.block)
        found.append((f"{model}: right key", encrypted.segment(cipher.encrypt(sample.image, settings.key(0)))))
        found.append((f"{model}: no encryption", encrypted.segment(sample.image, check=False)))
        wrong = cipher.encrypt(sample.image, settings.key(1))
        found.append((f"{model}: wrong key", encrypted.segment(wrong, check=False)))
    return found
