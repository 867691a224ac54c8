"""What a segmentation dataset is: pairs of an image and a label map, read one at a time, with the names of the classes.

NumPy and Pillow only, so that evaluation and the demo need no torch.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from PIL import Image

from veilseg.data.faults import Fault, PairFiles
from veilseg.errors import InvalidDataError, VeilsegError
from veilseg.formats import FORMATS, SUFFIXES
from veilseg.images import open_image

IGNORED = 255
"""The label of a pixel that no metric and no loss looks at."""

Box = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels; right and bottom exclusive."""

Plate = tuple[str, Box]
"""The text of a number plate, and where it is."""


@dataclass(frozen=True)
class Sample:
    """One pair.

    Attributes:
        name: unique in its dataset.
        image: uint8 [H, W, 3], RGB, 0..255.
        label: uint8 [H, W], class ids, 255 = ignored.
        plates: the number plates in the image, where they are known.
    """

    name: str
    image: np.ndarray
    label: np.ndarray
    plates: tuple[Plate, ...] = ()


@runtime_checkable
class SegmentationData(Protocol):
    """A finite, ordered dataset."""

    @property
    def name(self) -> str:
        """Of the dataset, for reports."""

    @property
    def classes(self) -> tuple[str, ...]:
        """Their names, K of them."""

    @property
    def palette(self) -> np.ndarray:
        """Their colours, uint8 [K, 3], in the same order."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> Sample: ...


def decode_image(source: Path | bytes, name: object) -> np.ndarray:
    """A photograph as uint8 [H, W, 3], upright: read and refused exactly as `veilseg encrypt` does.

    `source` is a path or a file's bytes, `name` what errors call it. Raises InvalidDataError for what is refused.
    """
    try:
        return open_image(source)
    except VeilsegError as error:
        raise InvalidDataError(f"{name} cannot be read as an image: {error.message}", error.hint) from error


def decode_label(source: Path | bytes, name: object) -> np.ndarray:
    """A label map as uint8 [H, W]: class ids of a grey or palette image, never its colours.

    Raises InvalidDataError for files that cannot be decoded and for images that do not hold 8-bit ids (RGB, 16 bit).
    """
    file = io.BytesIO(source) if isinstance(source, bytes) else source
    try:
        with Image.open(file, formats=FORMATS) as image:  # of all that Pillow knows, some run other programs
            if image.mode not in ("L", "P"):
                raise InvalidDataError(
                    f"{name} is a label map in mode {image.mode}, not one 8-bit class id per pixel",
                    hint="save labels as 8-bit grey or palette PNG",
                )
            return np.array(image)
    except InvalidDataError:
        raise
    except Exception as error:  # whatever a decoder says of a damaged file
        raise InvalidDataError(f"{name} cannot be read as a label map") from error


def check_sizes(name: str, image: np.ndarray, label: np.ndarray) -> None:
    """Raise InvalidDataError unless the image [H, W, 3] and its label [H, W] have one size."""
    if image.shape[:2] != label.shape:
        sizes = [f"{shape[1]}x{shape[0]}" for shape in (image.shape, label.shape)]
        raise InvalidDataError(f"{name}: the image has {sizes[0]} pixels, but its label {sizes[1]}")


def images_by_stem(folder: Path) -> tuple[dict[str, Path], list[Fault]]:
    """Every image file of `folder` (not of its subfolders) by its name without the suffix, in sorted order.

    Faults are files that share a stem with another, as nobody could tell which one a label belongs to, and subfolders
    with images.
    """
    found: dict[str, Path] = {}
    faults: list[Fault] = []
    for path in sorted(folder.iterdir()):
        if path.is_dir() and not path.name.startswith(".") and any(map(_is_image, path.iterdir())):
            faults.append(Fault(str(path), "holds images, and folders in this one are not read"))
        if not _is_image(path):
            continue
        if path.stem in found:
            faults.append(Fault(str(path), f"differs from {found[path.stem].name} in its suffix only"))
        else:
            found[path.stem] = path
    return found, faults


def _is_image(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".") and path.is_file()


class PairedFiles:
    """A dataset on disk: image files and label files that share a stem.

    `ignore` is one more label value that means "ignored" in the files; it is read as 255.
    """

    def __init__(
        self,
        name: str,
        images: Path,
        labels: Path,
        *,
        classes: tuple[str, ...],
        palette: np.ndarray,
        ignore: int | None = None,
    ) -> None:
        """List the files; raises InvalidDataError when a folder is missing or empty. Files alone are `faults`."""
        self.name = name
        self.classes = classes
        self.palette = palette
        self.ignore = ignore
        for folder in (images, labels):
            if not folder.is_dir():
                raise InvalidDataError(f"{name}: there is no folder {folder}")
        (image_files, double_images), (label_files, double_labels) = images_by_stem(images), images_by_stem(labels)
        if not image_files and not label_files:
            raise InvalidDataError(f"{name}: {images} holds no images", hint=f"read are {', '.join(sorted(SUFFIXES))}")
        self.faults = [
            *double_images,
            *double_labels,
            *(Fault(str(path), "a photograph without a label") for path in _without(image_files, label_files)),
            *(Fault(str(path), "a label without a photograph") for path in _without(label_files, image_files)),
        ]
        self.pairs = [(stem, path, label_files[stem]) for stem, path in image_files.items() if stem in label_files]

    def __len__(self) -> int:
        return len(self.pairs)

    def files(self, index: int) -> PairFiles:
        """Those of the pair at `index`."""
        _, image, label = self.pairs[index]
        return PairFiles(image, label, str(image), str(label))

    def __getitem__(self, index: int) -> Sample:
        """The pair at `index`; raises InvalidDataError when a file is unreadable, or image and label differ in size."""
        stem, image_path, label_path = self.pairs[index]
        image, label = decode_image(image_path, image_path), decode_label(label_path, label_path)
        check_sizes(stem, image, label)
        if self.ignore is not None:
            label = np.where(label == self.ignore, np.uint8(IGNORED), label)
        return Sample(stem, image, label)


def _without(here: dict[str, Path], there: dict[str, Path]) -> list[Path]:
    return [path for stem, path in here.items() if stem not in there]
