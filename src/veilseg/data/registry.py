"""Datasets by name: KIND:WHERE, the way the command line writes them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from veilseg.data.ade20k import open_ade20k
from veilseg.data.base import SegmentationData
from veilseg.data.camvid import open_camvid
from veilseg.data.check import refuse_faults
from veilseg.data.cityscapes import open_cityscapes
from veilseg.data.folder import find_splits, open_folder
from veilseg.data.scenes.dataset import open_scenes
from veilseg.errors import UsageError

#: From WHERE and the name of a split (None: the dataset's own default) to the dataset.
Opener = Callable[[str, str | None], SegmentationData]
#: {kind: (opener, what WHERE looks like)}
KINDS: dict[str, tuple[Opener, str]] = {}


def register(kind: str, opener: Opener, where: str = "DIR") -> None:
    """Add a kind of dataset; help texts write it `kind`:`where`.

    Raises UsageError when the name is taken or holds a colon.
    """
    if kind in KINDS or ":" in kind:
        raise UsageError(f"a kind of dataset cannot be called {kind!r}", "choose a name that is free, without a colon")
    KINDS[kind] = opener, where


def forms() -> str:
    """All kinds for a help text: "camvid:DIR, ... or scenes:COUNT[:SEED]"."""
    *most, last = (f"{kind}:{where}" for kind, (_, where) in KINDS.items())
    return f"{', '.join(most)} or {last}"


def open_data(spec: str, split: str | None = None) -> SegmentationData:
    """The dataset that `spec` names, such as "camvid:DIR" or "scenes:COUNT:SEED"; `forms` lists all.

    `split` defaults to "val", for plain folders to the folder itself; it has no meaning for scenes.
    Raises UsageError for a spec that names no known kind and InvalidDataError for data that cannot be used.
    """
    data = open_unchecked(spec, split)
    refuse_faults(data)
    return data


def open_unchecked(spec: str, split: str | None = None) -> SegmentationData:
    """The same, with the pairs that are whole where others are not: for the check."""
    kind, colon, where = spec.partition(":")
    if not colon or not where:
        raise UsageError(f"{spec!r} does not name a dataset", hint=f"use {forms()}")
    if kind not in KINDS:
        raise UsageError(f"there is no kind of dataset called {kind!r}", hint=f"use {forms()}")
    return KINDS[kind][0](where, split)


def spec_of(where: str) -> str:
    """What a person may mean by `where`: KIND:DIR as it is, a folder of ours as folder:DIR."""
    kind, colon, _ = where.partition(":")
    return where if colon and kind in KINDS else f"folder:{where}"


def find_data(where: str, split: str | None = None) -> list[SegmentationData]:
    """The dataset that `spec_of` finds, unchecked; without a split all parts of a folder of ours that has parts."""
    spec = spec_of(where)
    root = Path(spec.partition(":")[2]).expanduser()
    parts = find_splits(root) if split is None and spec.startswith("folder:") else []
    if parts and not (root / "images").is_dir():
        return [open_unchecked(spec, part) for part in parts]
    return [open_unchecked(spec, split)]


register("camvid", lambda where, split: open_camvid(Path(where).expanduser(), split))
register("cityscapes", lambda where, split: open_cityscapes(Path(where).expanduser(), split or "val"))
register("ade20k", lambda where, split: open_ade20k(Path(where).expanduser(), split or "val"))
register("folder", lambda where, split: open_folder(Path(where).expanduser(), split))
register("scenes", open_scenes, "COUNT[:SEED]")
