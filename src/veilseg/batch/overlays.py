"""To every task that segments: the photograph whose size its label map gets, the overlay of the two, and answers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath

from veilseg.batch.locations import STREAM, address_of, below, join, location_of
from veilseg.batch.plan import Plan, Task, checked
from veilseg.errors import UsageError
from veilseg.formats import SUFFIXES


def with_photographs(plan: Plan, photo: str | None, overlay: str | None) -> Plan:
    """The plan with a photograph more to read, and an overlay more to write, in every task.

    Of several images, `photo` and `overlay` are folders: a photograph lies where the image does and shares its stem.
    Raises UsageError when one is missing, or an overlay would replace anything that the plan reads or writes.
    """
    if overlay is not None and plan.tasks and plan.tasks[0].outputs == (STREAM,):
        raise UsageError("--overlay needs the label map in a file", "name it with -o FILE")
    photos = None if photo is None else _photographs(plan, address_of(photo))
    blended = None if overlay is None else _overlays(plan, address_of(overlay))
    tasks = [
        Task(
            (*task.inputs, *([] if photos is None else [photos[index]])),
            (*task.outputs, *([] if blended is None else [blended[index]])),
        )
        for index, task in enumerate(plan.tasks)
    ]
    folders = (*plan.folders, address_of(overlay)) if plan.folders and overlay is not None else plan.folders
    return checked(Plan(tasks, plan.left_out, folders))


def with_answers(plan: Plan, answers: Mapping[str, str], forms: Mapping[str, tuple[str, object]]) -> Plan:
    """The plan with more to write in every task: what is said of its label map, by the name of the form.

    `answers`: {form: path, of several images a folder}; `forms`: {form: (suffix, ...)}. Raises UsageError for a name of
    another suffix, and where an output would replace anything that the plan reads or writes.
    """
    if answers and plan.tasks and plan.tasks[0].outputs == (STREAM,):
        raise UsageError(f"--{next(iter(answers))} needs the label map in a file", "name it with -o FILE")
    outputs = [[*task.outputs] for task in plan.tasks]
    for name, path in answers.items():
        suffix, address = forms[name][0], address_of(path)
        if not plan.folders and PurePosixPath(address).suffix.lower() != suffix:
            hint = f"name it {PurePosixPath(address).with_suffix(suffix).name}"
            raise UsageError(f"--{name} writes {suffix[1:].upper()}, and {path} has another suffix", hint)
        for index, below_folder in enumerate(_names(plan) if plan.folders else ()):
            outputs[index].append(join(address, str(PurePosixPath(below_folder).with_suffix(suffix))))
        if not plan.folders:
            outputs[0].append(address)
    pictures = len(plan.tasks[0].outputs) if plan.tasks else None
    tasks = [Task(task.inputs, tuple(made)) for task, made in zip(plan.tasks, outputs, strict=True)]
    folders = (*plan.folders, *map(address_of, answers.values())) if plan.folders else ()
    return checked(Plan(tasks, plan.left_out, folders), pictures)


def _photographs(plan: Plan, photo: str) -> list[str]:
    """The photograph of every task."""
    if not plan.folders:
        return [photo]
    where = location_of(photo)
    if where.kind(photo) != "folder":
        raise UsageError(f"{photo} is not a folder, and there are several images", "--photo FOLDER")
    listed = (PurePosixPath(name) for name, problem in where.files(photo, None) if problem is None)
    photos = {name.with_suffix(""): str(name) for name in listed if name.suffix.lower() in SUFFIXES}
    names = [PurePosixPath(name).with_suffix("") for name in _names(plan)]
    if missing := [name for name in names if name not in photos]:
        raise UsageError(f"{photo} has no photograph named {missing[0]}", "photographs keep the images' names")
    return [join(photo, photos[name]) for name in names]


def _overlays(plan: Plan, overlay: str) -> list[str]:
    """Where the overlay of every task goes."""
    return [join(overlay, name) for name in _names(plan)] if plan.folders else [overlay]


def _names(plan: Plan) -> list[str]:
    """What the outputs are called below their folder."""
    return [below(task.outputs[0], plan.folders[0]) for task in plan.tasks]
