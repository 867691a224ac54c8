"""Datasets by name: KIND:WHERE, the way the command line writes them. A new kind is one line in KINDS."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from veilseg.data.ade20k import Ade20kData
from veilseg.data.base import SegmentationData
from veilseg.data.camvid import open_camvid
from veilseg.data.cityscapes import CityscapesData
from veilseg.data.folder import open_folder
from veilseg.data.scenes.dataset import open_scenes
from veilseg.errors import UsageError

KINDS: dict[str, Callable[[str, str | None], SegmentationData]] = {
    "camvid": lambda where, split: open_camvid(Path(where).expanduser(), split),
    "cityscapes": lambda where, split: CityscapesData(Path(where).expanduser(), split or "val"),
    "ade20k": lambda where, split: Ade20kData(Path(where).expanduser(), split or "val"),
    "folder": lambda where, split: open_folder(Path(where).expanduser(), split),
    "scenes": open_scenes,
}

HINT = "use camvid:DIR, cityscapes:DIR, ade20k:DIR, folder:DIR, scenes:COUNT or scenes:COUNT:SEED"


def open_data(spec: str, split: str | None = None) -> SegmentationData:
    """The dataset that `spec` names: "camvid:DIR", "cityscapes:DIR", "ade20k:DIR", "folder:DIR", "scenes:COUNT" or
    "scenes:COUNT:SEED".

    `split` defaults to "val", for plain folders to the folder itself; it has no meaning for scenes.
    Raises UsageError for a spec that names no known kind and InvalidDataError for data that cannot be used.
    """
    kind, colon, where = spec.partition(":")
    if not colon or not where:
        raise UsageError(f"{spec!r} does not name a dataset", hint=HINT)
    if kind not in KINDS:
        raise UsageError(f"there is no kind of dataset called {kind!r}", hint=HINT)
    return KINDS[kind](where, split)
