"""The main job, measured: encrypt every image of a dataset, segment it, compare with the ground truth."""

from __future__ import annotations

import hashlib
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from veilseg.ciphers import Cipher, Plain, own_cipher
from veilseg.data.base import Sample, SegmentationData
from veilseg.data.check import MASK_HINT, name_some
from veilseg.errors import InvalidDataError, UsageError
from veilseg.evaluation.metrics import ConfusionMatrix
from veilseg.images import to_png
from veilseg.keys import Key
from veilseg.modelconfig import generic_classes
from veilseg.runtime import Segmenter
from veilseg.scale import ORIGINAL


@dataclass(frozen=True)
class Result:
    """What one pass over a dataset gave.

    Attributes:
        input: see `describe`.
        data: the dataset's name.
        ignored: the share of pixels that are 255 in the labels, 0..1.
        bytes_per_image: mean size of the files that a client would send (plain images as PNG, for comparison).
        seconds: for all images, encryption included.
    """

    matrix: ConfusionMatrix
    classes: tuple[str, ...]
    input: dict[str, Any]
    data: str
    names_sha256: str
    images: int
    ignored: float
    bytes_per_image: float
    seconds: float

    @property
    def scores(self) -> dict[str, float]:
        """{"aAcc", "mIoU", "mAcc"} in percent."""
        return {
            "aAcc": 100 * self.matrix.aacc,
            "mIoU": 100 * self.matrix.miou,
            "mAcc": 100 * self.matrix.macc,
        }

    def doubts(self) -> list[str]:
        """What makes the scores say less than they seem to, a sentence each."""
        absent = [name for name, row in zip(self.classes, self.matrix.counts, strict=True) if not row.any()]
        hint = f"; {MASK_HINT}" if self.ignored > 0.1 else ""
        said = [f"no label of {self.data} holds {name_some(absent)}{hint}"] if absent else []
        if self.ignored > 0.5:
            said.append(f"{100 * self.ignored:.0f} % of the pixels of {self.data} are ignored")
        return said

    def to_dict(self) -> dict[str, Any]:
        """Everything for a JSON report; scores in percent, IoU and recall per class as fractions."""
        return {
            "data": {"name": self.data, "images": self.images, "names_sha256": self.names_sha256},
            "input": self.input,
            **{name: _json(value) for name, value in self.scores.items()},
            "unit": "percent",
            "pixels": self.matrix.pixels,
            "ignored": round(self.ignored, 4),
            "bytes_per_image": round(self.bytes_per_image, 1),
            "seconds": round(self.seconds, 3),
            "per_class": self.matrix.per_class(self.classes),
        }


def evaluate(
    segmenter: Segmenter,
    data: SegmentationData,
    cipher: Cipher | Plain | None = None,
    key: Key | None = None,
    *,
    limit: int | None = None,
    progress: bool = True,
    check: bool = True,
    on_labels: Callable[[np.ndarray], None] | None = None,
) -> Result:
    """Scores of a model on a dataset whose images are encrypted by `cipher` with `key`, at the model's working size.

    Label maps are enlarged to the images' own size, and compared there.

    Args:
        segmenter: the model.
        data: images with their true classes.
        cipher: None: the model's own input, for key-invariant models subblock-sort, for plain ones "plain" (no
            encryption). One that takes a key or none draws new keys for every image, from the operating system.
        key: where the cipher takes one.
        limit: only the first so many images.
        progress: show a bar where somebody watches.
        check: False: also run what the model refuses, a wrong key or no encryption: the protocols of [Kiya 2022].
        on_labels: called with every label map, uint8 [H, W], in the order of the data.

    Raises:
        UsageError: when a key is missing.
        InvalidDataError: when the classes do not fit.
        InvalidImageError: when the model does not take this input.
    """
    cipher = cipher or own_cipher(segmenter.config.input)
    _check_fit(segmenter, data, cipher, key)
    count = len(data) if limit is None else min(limit, len(data))
    if count < 1:
        raise InvalidDataError(f"{data.name} has no image to evaluate on")
    matrix = ConfusionMatrix(len(segmenter.classes))
    names, sent, pixels, begin = hashlib.sha256(), 0, 0, time.perf_counter()
    for sample in _samples(data, count, progress):
        image, size = encrypt(segmenter.to_working_size(sample.image), cipher, key)
        labels = segmenter.segment(image, size=sample.label.shape, check=check)
        try:
            matrix.update(labels, sample.label)
        except InvalidDataError as error:
            raise InvalidDataError(f"{sample.name}: {error.message}", error.hint) from error
        if on_labels is not None:
            on_labels(labels)
        names.update(sample.name.encode() + b"\n")
        sent += size
        pixels += sample.label.size
    if not matrix.pixels:
        raise InvalidDataError(f"every pixel of {data.name} is ignored", MASK_HINT)
    return Result(
        matrix=matrix,
        classes=segmenter.classes,
        input=describe(cipher, key),
        data=data.name,
        names_sha256=names.hexdigest(),
        images=count,
        ignored=1 - matrix.pixels / pixels,
        bytes_per_image=sent / count,
        seconds=time.perf_counter() - begin,
    )


def encrypt(image: np.ndarray, cipher: Cipher | Plain, key: Key | None) -> tuple[Any, int]:
    """(what the segmenter gets, bytes that a client sends): an EncryptedImage, or `image`, counted as PNG."""
    if cipher == "plain":
        return image, len(to_png(image))
    encrypted = cipher.encrypt(image, key, longer_side=ORIGINAL)
    return encrypted, len(encrypted.to_bytes())


def describe(cipher: Cipher | Plain, key: Key | None) -> dict[str, Any]:
    """The input in words and numbers, for a report: cipher, sizes, whose key. Nothing secret."""
    if cipher == "plain":
        return {"cipher": "plain"}
    whose = None if cipher.key_use == "none" else key.fingerprint if key else "new for every image, discarded"
    return {**cipher.spec.to_dict(), "key": whose}


def _check_fit(segmenter: Segmenter, data: SegmentationData, cipher: Cipher | Plain, key: Key | None) -> None:
    ours, theirs = segmenter.classes, data.classes
    hint = "evaluate on data with the model's classes, in this order: " + ", ".join(ours)
    if len(theirs) != len(ours):
        raise InvalidDataError(
            f"{data.name} has {len(theirs)} classes but the model {segmenter.name} has {len(ours)}", hint
        )
    # Names that nobody chose say nothing; all others must agree, or the scores would mix up the classes.
    if theirs != ours and generic_classes(len(ours)) not in (ours, theirs):
        at = next(index for index, names in enumerate(zip(ours, theirs, strict=True)) if names[0] != names[1])
        raise InvalidDataError(
            f"class {at} of {data.name} is {theirs[at]!r}, but {ours[at]!r} for the model {segmenter.name}", hint
        )
    if cipher != "plain" and cipher.key_use == "required" and key is None:
        raise UsageError(f"{cipher.name} needs a key", hint="give the model's key with --key FILE")


def _samples(data: SegmentationData, count: int, progress: bool) -> Iterator[Sample]:
    from rich.console import Console
    from rich.progress import track

    quiet = not progress or not sys.stderr.isatty()
    indices = track(range(count), data.name, console=Console(stderr=True), disable=quiet, transient=True)
    return (data[index] for index in indices)


def _json(value: float) -> float | None:
    return None if np.isnan(value) else round(value, 4)
