"""Overlays: to every task that segments, the photograph that its label map is blended with, and where that goes."""

from __future__ import annotations

from pathlib import PurePosixPath

from veilseg.batch.locations import STREAM, address_of, below, join, location_of
from veilseg.batch.plan import Plan, Task, checked
from veilseg.errors import UsageError
from veilseg.formats import SUFFIXES


def with_overlays(plan: Plan, photo: str, overlay: str) -> Plan:
    """The plan with a photograph more to read and an overlay more to write in every task.

    Of several images, `photo` and `overlay` are folders: a photograph lies where the image does and shares its stem.
    Raises UsageError when one is missing, or an overlay would replace anything that the plan reads or writes.
    """
    photo, overlay = address_of(photo), address_of(overlay)
    if not plan.folders:
        pairs = [(photo, overlay)]
        if plan.tasks[0].outputs == (STREAM,):
            raise UsageError("--overlay needs the label map in a file", "name it with -o FILE")
    else:
        where = location_of(photo)
        if where.kind(photo) != "folder":
            raise UsageError(f"{photo} is not a folder, and there are several images", "--photo FOLDER")
        listed = (PurePosixPath(name) for name, problem in where.files(photo, None) if problem is None)
        photos = {name.with_suffix(""): str(name) for name in listed if name.suffix.lower() in SUFFIXES}
        names = [PurePosixPath(below(task.outputs[0], plan.folders[0])) for task in plan.tasks]
        if missing := [name.with_suffix("") for name in names if name.with_suffix("") not in photos]:
            raise UsageError(f"{photo} has no photograph named {missing[0]}", "photographs keep the images' names")
        pairs = [(join(photo, photos[name.with_suffix("")]), join(overlay, str(name))) for name in names]
    tasks = [
        Task((*task.inputs, photograph), (*task.outputs, blended))
        for task, (photograph, blended) in zip(plan.tasks, pairs, strict=True)
    ]
    return checked(Plan(tasks, plan.left_out, (*plan.folders, overlay) if plan.folders else ()))
