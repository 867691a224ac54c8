"""What is audited: a few images with what they show, and the public photographs that an attacker has."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from veilseg.audit.base import Pixels
from veilseg.catalog import DEFAULT_LONGER_SIDE
from veilseg.data import open_data
from veilseg.data.base import Plate
from veilseg.data.reduced import ReducedData
from veilseg.errors import InvalidImageError, UsageError
from veilseg.formats import READ
from veilseg.images import list_images, open_image
from veilseg.scale import reduce_photograph

SMALLEST = 32
"""Pixels: the smallest side of an image that is worth attacking."""

PHOTOGRAPHS = ("astronaut", "chelsea", "coffee", "rocket")


@dataclass(frozen=True)
class AuditSample:
    """One image to be audited: its name, uint8 [H, W, 3], and the number plates in it where they are known."""

    name: str
    image: Pixels
    plates: tuple[Plate, ...] = ()


def open_samples(source: str, limit: int, longer_side: int = DEFAULT_LONGER_SIDE) -> list[AuditSample]:
    """The first `limit` images of a folder of photographs, or so many spread over a dataset.

    Args:
        source: a folder, or a dataset written as for `veilseg evaluate`. Of generated scenes the texts of the plates
            are known.
        limit: at most so many; of a folder, files that cannot be read or are too small are left out, with a warning.
        longer_side: the working size in pixels, to which larger photographs are reduced as clients do it.

    Raises:
        UsageError: where there is no image that can be audited, or a small one in a dataset.
        VeilsegError: whatever opening an image raises, with the file's name.
    """
    if Path(source).is_dir():
        samples = list(islice(_photographs(Path(source), longer_side), limit))
        if not samples:
            raise UsageError(f"there is no image in {source} that can be audited", READ)
    elif ":" in source:
        data = ReducedData(open_data(source), longer_side)
        spread = np.linspace(0, len(data) - 1, min(limit, len(data))).round().astype(int).tolist()
        samples = [AuditSample(one.name, one.image, one.plates) for one in (data[index] for index in spread)]
        for sample in samples:
            if min(sample.image.shape[:2]) < SMALLEST:
                raise UsageError(f"{sample.name} is too small to be audited", f"{SMALLEST} pixels a side are the least")
    else:
        raise UsageError(f"there is no folder {source}", "name a folder of images, or a dataset such as scenes:5")
    return samples


def _photographs(folder: Path, longer_side: int) -> Iterator[AuditSample]:
    """The photographs of a folder at the working size; warns of what is none."""
    for path in list_images(folder):
        try:
            image = reduce_photograph(open_image(path), longer_side)
            if min(image.shape[:2]) < SMALLEST:
                raise InvalidImageError(f"{SMALLEST} pixels a side are the least")
            yield AuditSample(path.stem, image)
        except InvalidImageError as error:
            warnings.warn(f"{path.name} is left out: {error.message}", UserWarning, stacklevel=4)


def open_references(folder: Path | None) -> tuple[Pixels, ...]:
    """Public photographs for the attacker: those of a folder, or by default those in scikit-image's wheel."""
    if folder is None:
        from skimage import data

        left, _, _ = data.stereo_motorcycle()
        return (*(np.asarray(getattr(data, name)()) for name in PHOTOGRAPHS), np.asarray(left))
    if not folder.is_dir() or not (paths := list_images(folder)):
        raise UsageError(f"there is no image in {folder}", "name a folder of photographs, or leave --references out")
    return tuple(_open(path) for path in paths)


def _open(path: Path) -> Pixels:
    """open_image, whose errors do not say which file they are about."""
    try:
        return open_image(path)
    except InvalidImageError as error:
        raise InvalidImageError(f"{path.name}: {error.message}", error.hint) from error
