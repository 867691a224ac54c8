"""The dataset check: reads every pair, counts what is in it, and names whatever is wrong, all at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from veilseg.data.base import IGNORED, Sample, SegmentationData, decode_image, decode_label
from veilseg.data.faults import MASK_HINT, Fault, FileData, PairFiles, count_of, name_some, without_name
from veilseg.data.orientation import is_hidden, orientation_of, stored_size
from veilseg.errors import InvalidDataError, VeilsegError

__all__ = ["MASK_HINT", "DataReport", "check_data", "name_some", "refuse_faults"]


@dataclass
class DataReport:
    """What the check found.

    Attributes:
        name: of the dataset.
        classes: their names, K of them; `palette`, uint8 [K, 3], their colours.
        count: the pairs that were looked at.
        faults: what makes the data unusable, by file.
        remarks: sentences on what may be meant, or not.
        pixels: int64 [256], pixels per label id, 255 being ignored; `images`, int64 [256]: images that hold the id.
        sizes: images per (width, height), upright.
        faulty: indices of pairs with a fault.
    """

    name: str
    classes: tuple[str, ...]
    palette: np.ndarray
    count: int
    faults: list[Fault] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    pixels: np.ndarray = field(default_factory=lambda: np.zeros(256, np.int64))
    images: np.ndarray = field(default_factory=lambda: np.zeros(256, np.int64))
    sizes: Counter[tuple[int, int]] = field(default_factory=Counter)
    faulty: set[int] = field(default_factory=set)

    @property
    def ignored(self) -> float:
        """The share of the pixels that are ignored, 0..1."""
        return float(self.pixels[IGNORED] / max(1, self.pixels.sum()))

    @property
    def absent(self) -> list[str]:
        """The classes without a pixel."""
        return [name for name, count in zip(self.classes, self.pixels, strict=False) if not count]

    def to_dict(self) -> dict[str, object]:
        """For JSON."""
        rows = enumerate(self.classes)
        return {
            "data": self.name,
            "images": self.count,
            "faults": [{"file": fault.file, "what": fault.what} for fault in self.faults],
            "remarks": self.remarks,
            "ignored": self.ignored,
            "sizes": [{"width": w, "height": h, "images": n} for (w, h), n in self.sizes.most_common()],
            "classes": [
                {"id": id_, "name": name, "pixels": int(self.pixels[id_]), "images": int(self.images[id_])}
                for id_, name in rows
            ],
        }


def check_data(
    data: SegmentationData, limit: int | None = None, advance: Callable[[], None] = lambda: None
) -> DataReport:
    """Look at the first `limit` pairs of `data` (default: all); `advance` is called after each.

    Faults are files without a partner, files that cannot be read, image and label of different size (also where EXIF
    turns one of them), labels that are not 8-bit ids, ids beyond the last class, and labels without a labelled pixel.
    """
    count = len(data) if limit is None else min(limit, len(data))
    report = DataReport(data.name, data.classes, data.palette, count)
    files = data if isinstance(data, FileData) else None
    report.faults.extend(files.faults if files else ())
    turned: list[str] = []
    for index in range(count):
        pair = files.files(index) if files else None
        try:
            sample = data[index]
        except VeilsegError as error:
            found = _diagnose(pair) if pair else []
            faults = found or [Fault(f"pair {index}" if pair is None else pair.label_name, error.message)]
        else:
            faults = _count(report, sample, pair)
            if pair and is_hidden(orientation_of(pair.image), *sample.label.shape):
                turned.append(pair.image_name)
        if faults:
            report.faulty.add(index)
            report.faults.extend(fault for fault in faults if fault not in report.faults)
        advance()
    report.remarks = list(_remarks(report, turned))
    return report


def refuse_faults(data: SegmentationData) -> None:
    """Raise InvalidDataError where listing the files of `data` brought up faults; those of the first kind are named."""
    faults = data.faults if isinstance(data, FileData) else ()
    if faults:
        alike = [fault.file for fault in faults if fault.what == faults[0].what]
        rest = [fault for fault in faults if fault.what != faults[0].what]
        others = f", and {count_of(rest)} more" if rest else ""
        raise InvalidDataError(
            f"{data.name}: {faults[0].what}: {name_some(alike)}{others}", "`veilseg data check` lists every fault"
        )


def _count(report: DataReport, sample: Sample, pair: PairFiles | None) -> list[Fault]:
    """Add the pixels of a pair that could be read; its faults."""
    found, classes = np.bincount(sample.label.ravel(), minlength=256), len(report.classes)
    report.pixels += found
    report.images += found > 0
    report.sizes[sample.label.shape[1], sample.label.shape[0]] += 1
    name, faults = pair.label_name if pair else sample.name, []
    if wrong := [str(value) for value in np.flatnonzero(found) if classes <= value < IGNORED]:
        faults.append(Fault(name, f"the label holds ids {', '.join(wrong)}, but the last class is {classes - 1}"))
    if found[IGNORED] == sample.label.size:
        faults.append(Fault(name, "every pixel is ignored"))
    if pair and orientation_of(pair.label) != 1:
        faults.append(Fault(name, "the label is turned by EXIF, which labels are read without: save it upright"))
    return faults


def _diagnose(pair: PairFiles) -> list[Fault]:
    """Everything that is wrong with a pair that was refused."""
    faults, shapes = [], []
    for decode, source, name in (
        (decode_image, pair.image, pair.image_name),
        (decode_label, pair.label, pair.label_name),
    ):
        try:
            shapes.append(decode(source, name).shape)
        except InvalidDataError as error:
            faults.append(Fault(name, without_name(error.message, name)))
    if faults or shapes[0][:2] == shapes[1]:
        return faults
    (height, width, _), label = shapes
    what = f"the label has {label[1]}x{label[0]} pixels, but its photograph {width}x{height}"
    if orientation_of(pair.image) != 1 and stored_size(pair.image) == label:
        what += ", turned by EXIF: the label was drawn on the photograph as it lies in the file"
    return [Fault(pair.label_name, what)]


def _remarks(report: DataReport, turned: list[str]) -> list[str]:
    said: list[str] = []
    if not report.pixels.any():
        return said
    if report.absent:
        hint = f"; {MASK_HINT}" if np.count_nonzero(report.pixels[:IGNORED]) == 1 else ""
        said.append(f"no pixel belongs to {name_some(report.absent)}{hint}")
    if report.ignored > 0.5:
        said.append(f"{report.ignored:.0%} of the pixels are ignored (255)")
    if turned:
        some = name_some(turned)
        said.append(f"EXIF turns photographs in a way that sizes do not tell: see whether labels lie right: {some}")
    return said
