"""aAcc, mIoU and mAcc from one confusion matrix over the whole dataset, as Cityscapes and mmsegmentation compute them.

With N[t, p] the number of pixels of true class t that were called p, ground truth 255 left out:

    aAcc  = sum_c N[c, c] / sum N
    IoU_c = N[c, c] / (sum_p N[c, p] + sum_t N[t, c] - N[c, c])        mIoU = mean of IoU_c where the divisor is not 0
    Acc_c = N[c, c] / sum_p N[c, p]                                    mAcc = mean of Acc_c where the divisor is not 0

A class that occurs nowhere is left out of the means, not counted as 0; a class that is predicted but never true has
IoU 0, as in cityscapesScripts. A mean of per-image scores (torchmetrics' segmentation MeanIoU) is a different number.
"""

from __future__ import annotations

import numpy as np

from veilseg.errors import InvalidDataError, UsageError

IGNORED = 255


class ConfusionMatrix:
    """Counts of (true class, predicted class); `counts` is int64 [K, K], rows are the truth."""

    def __init__(self, num_classes: int) -> None:
        """An empty matrix of `num_classes` (1..255) classes; raises UsageError for other numbers."""
        if not 1 <= num_classes <= IGNORED:
            raise UsageError(f"a confusion matrix holds 1 to {IGNORED} classes, not {num_classes}")
        self.num_classes = num_classes
        self.counts = np.zeros((num_classes, num_classes), np.int64)

    def update(self, prediction: np.ndarray, label: np.ndarray) -> None:
        """Adds one image: `prediction` and `label` are integer [H, W] of class ids; label 255 is skipped.

        Raises InvalidDataError, and adds nothing, when the shapes differ or an id is not below the number of classes.
        """
        if prediction.shape != label.shape:
            raise InvalidDataError(f"the prediction is {_size(prediction)} but the label is {_size(label)}")
        if prediction.dtype.kind not in "ui" or label.dtype.kind not in "ui":
            raise InvalidDataError("predictions and labels are integer class ids")
        known = label != IGNORED
        truth, called = label[known].astype(np.int64), prediction[known].astype(np.int64)
        for what, ids in (("label", truth), ("prediction", called)):
            wrong = np.unique(ids[(ids < 0) | (ids >= self.num_classes)])
            if wrong.size:
                found = ", ".join(map(str, wrong[:5].tolist()))
                raise InvalidDataError(
                    f"the {what} holds id {found}, but there are {self.num_classes} classes",
                    hint=f"ids run from 0 to {self.num_classes - 1}; 255 in a label means ignored",
                )
        pairs = np.bincount(truth * self.num_classes + called, minlength=self.num_classes**2)
        self.counts += pairs.reshape(self.num_classes, self.num_classes)

    @property
    def pixels(self) -> int:
        """How many pixels were counted."""
        return int(self.counts.sum())

    @property
    def aacc(self) -> float:
        """The fraction of pixels that are right; NaN before any pixel was counted."""
        return float(np.trace(self.counts) / self.pixels) if self.pixels else float("nan")

    @property
    def iou(self) -> np.ndarray:
        """IoU of every class, float64 [K]; NaN for a class that is neither true nor predicted anywhere."""
        right = np.diag(self.counts)
        return _divide(right, self.counts.sum(1) + self.counts.sum(0) - right)

    @property
    def acc(self) -> np.ndarray:
        """Recall of every class, float64 [K]; NaN for a class that is true nowhere."""
        return _divide(np.diag(self.counts), self.counts.sum(1))

    @property
    def miou(self) -> float:
        """Mean IoU over the classes that occur, as a fraction; NaN before any pixel was counted."""
        return _mean(self.iou)

    @property
    def macc(self) -> float:
        """Mean recall over the classes that occur, as a fraction; NaN before any pixel was counted."""
        return _mean(self.acc)

    def per_class(self, names: tuple[str, ...]) -> dict[str, dict[str, float | None]]:
        """{name: {"iou": fraction or None, "acc": fraction or None}} in the order of the classes."""
        return {
            name: {"iou": _or_none(iou), "acc": _or_none(acc)}
            for name, iou, acc in zip(names, self.iou, self.acc, strict=True)
        }


def _divide(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    result = np.full(part.shape, np.nan)
    np.divide(part, whole, out=result, where=whole > 0)
    return result


def _mean(values: np.ndarray) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else float("nan")


def _or_none(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _size(array: np.ndarray) -> str:
    return "x".join(map(str, array.shape[::-1]))
