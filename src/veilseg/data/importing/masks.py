"""Masks: a picture per photograph whose colours, palette or grey levels are the classes."""

from __future__ import annotations

from collections import Counter
from functools import partial
from pathlib import Path

from veilseg.data.faults import Fault
from veilseg.data.importing.files import Photographs
from veilseg.data.importing.levels import draw_mask, ids_of
from veilseg.data.importing.source import Source, SourceClass, SourceItem, flat, split_of
from veilseg.errors import UsageError
from veilseg.images import list_images


def read_masks(root: Path, images: Path | None, table: list[SourceClass] | None) -> Source:
    """Masks below `root` for the photographs below `images`; they share names, but for an ending that all masks have.

    With colours in the table, masks are read by colour, grey ones also by id; without, by id, and 255 is ignored.
    """
    if not root.is_dir():
        raise UsageError(f"there is no folder {root}", "masks:DIR names the folder of the masks")
    photographs = Photographs(images, "masks")
    source = Source([])
    masks: dict[str, Path] = {}
    for path in list_images(root):
        other = masks.setdefault(path.relative_to(root).with_suffix("").as_posix(), path)
        if other is not path:
            source.faults.append(Fault(str(path), f"differs from {other.name} in its suffix only"))
    keys = {name: str(Path(name).with_suffix("")) for name in photographs.names}
    ending = _ending(set(keys.values()), set(masks))
    if ending:
        source.remarks.append(f"the masks' names end in {ending}, the photographs' do not")
    for name, key in keys.items():
        mask = masks.pop(key + ending, None)
        if mask is None:
            source.faults.append(Fault(str(photographs.path(name)), "a photograph without a mask"))
            continue
        path = photographs.path(name)
        draw = partial(draw_mask, mask.read_bytes, source)
        source.items.append(SourceItem(flat(name), str(path), str(mask), path.read_bytes, draw, split_of(name)))
    source.faults += [Fault(str(path), "a mask without a photograph") for path in masks.values()]
    source.classes = table or ids_of((item.label_name, Path(item.label_name).read_bytes) for item in source.items)
    return source


def _ending(photographs: set[str], masks: set[str]) -> str:
    """What the names of most masks have more than those of their photographs: "", "_mask", "_L"..."""
    if photographs & masks or not photographs:
        return ""
    ordered = sorted(photographs)
    endings = Counter(
        mask.removeprefix(name) for name in (ordered[0], ordered[-1]) for mask in masks if mask.startswith(name)
    )
    return max(endings, key=lambda ending: sum(name + ending in masks for name in photographs), default="")
