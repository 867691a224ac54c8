"""What is said of a label map beside its picture: shares of classes, COCO's RLE, a legend."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from veilseg.rle import encode_counts

_STEP = 1 << 20  # pixels counted at a time: bincount makes 8 bytes of each
_FORMULA = tuple("=+@-")  # what a spreadsheet would take for one


def areas(labels: np.ndarray, classes: Sequence[str]) -> dict[str, Any]:
    """{"height", "width", "classes": [{"id", "class", "pixels", "fraction"}]} of the classes that occur.

    labels: uint8 [H, W], ids of `classes` alone.
    """
    flat = labels.ravel()
    parts = [flat[start : start + _STEP] for start in range(0, flat.size, _STEP)]
    counts = np.sum([np.bincount(part, minlength=len(classes)) for part in parts], axis=0)
    found = [
        {"id": index, "class": name, "pixels": int(counts[index]), "fraction": round(counts[index] / labels.size, 6)}
        for index, name in enumerate(classes)
        if counts[index]
    ]
    return {"height": labels.shape[0], "width": labels.shape[1], "classes": found}


def rle(labels: np.ndarray, classes: Sequence[str]) -> dict[str, Any]:
    """{"height", "width", "segments": [...]}: COCO's panoptic idea in its RLE, one segment per class that occurs."""
    size = [*labels.shape]
    segments = areas(labels, classes)["classes"]
    for segment in segments:
        segment["rle"] = {"size": size, "counts": encode_counts(labels == segment["id"])}
    return {"height": size[0], "width": size[1], "segments": segments}


def legend(labels: np.ndarray, classes: Sequence[str], palette: np.ndarray) -> str:
    """Comma-separated values, as the web page saves them: id, class, colour and percent of the classes that occur."""
    rows = ["id,class,red,green,blue,percent"]
    for found in areas(labels, classes)["classes"]:
        name = f"'{found['class']}" if found["class"].startswith(_FORMULA) else found["class"]
        quoted = '"{}"'.format(name.replace('"', '""'))
        colour = palette[found["id"]].tolist()
        rows.append(",".join(map(str, (found["id"], quoted, *colour, f"{100 * found['pixels'] / labels.size:.3f}"))))
    return "\r\n".join((*rows, ""))


def shares(labels: np.ndarray, classes: Sequence[str]) -> str:
    """One line for people: the classes that occur, the largest first."""
    found = sorted(areas(labels, classes)["classes"], key=lambda each: -int(each["pixels"]))
    return ", ".join(f"{each['class']} {100 * each['fraction']:.1f} %" for each in found)


def _json(values: dict[str, Any]) -> bytes:
    return json.dumps(values, ensure_ascii=False).encode()


#: {name: (suffix of its file, from labels, classes and palette to its contents)}
FORMS: dict[str, tuple[str, Callable[[np.ndarray, Sequence[str], np.ndarray], bytes]]] = {
    "areas": (".json", lambda labels, classes, palette: _json(areas(labels, classes))),
    "rle": (".json", lambda labels, classes, palette: _json(rle(labels, classes))),
    "legend": (".csv", lambda labels, classes, palette: legend(labels, classes, palette).encode()),
}
