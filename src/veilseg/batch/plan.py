"""What is to be done: which input becomes which output, decided and checked before anything is done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from veilseg.batch.locations import STREAM, address_of, identity, join, lies_in, location_of
from veilseg.batch.summary import Outcome
from veilseg.errors import InvalidImageError, UsageError, VeilsegError
from veilseg.files import refuse_other_than_png
from veilseg.formats import SUFFIXES, refusal_by_name


@dataclass(frozen=True)
class Task:
    """Addresses of what is read and of what is written: of an image and its result, and perhaps more of both."""

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]

    def read(self) -> tuple[Any, ...]:
        """The bytes of all inputs. Raises VeilsegError."""
        return tuple(location_of(address).read(address) for address in self.inputs)

    def missing(self) -> set[str]:
        """The outputs that do not exist. Raises VeilsegError."""
        return {output for output in self.outputs if not location_of(output).existing([output])}


@dataclass(frozen=True)
class Plan:
    """All tasks, also those whose outputs exist. They take less than a kilobyte each; images are not held.

    Attributes:
        tasks: in the order in which they are to be done.
        left_out: what lies among the inputs and looks like one, but cannot be read.
        folders: where the outputs of every task lie, one folder for each; none for one named output.
    """

    tasks: list[Task]
    left_out: list[Outcome]
    folders: tuple[str, ...] = ()

    def missing(self) -> list[Task]:
        """The tasks without all of their outputs."""
        there: set[str] = set()
        for index in range(len(self.tasks[0].outputs) if self.tasks else 0):
            outputs = [task.outputs[index] for task in self.tasks]
            there |= location_of(outputs[0]).existing(outputs, self.folders[index] if self.folders else None)
        return [task for task in self.tasks if not there.issuperset(task.outputs)]

    def check(self) -> None:
        """Refuse outputs that could not be written, before work is spent on them. Raises VeilsegError."""
        for address in self.folders or [output for task in self.tasks for output in task.outputs]:
            location_of(address).check(address, folder=bool(self.folders))


def make_plan(inputs: Sequence[str], output: str | None, *, verb: str) -> Plan:
    """Pair inputs with outputs; nothing is changed.

    One file (or "-") goes to the file `output` (or "-"). A folder, here or in a bucket, stands for the images in it and
    in its subfolders; several images go into the folder `output`, as PNG under their own stems, those of subfolders
    into subfolders. What lies in `output` already is no input.

    Raises:
        UsageError: for a missing output, an output that is an input, two inputs with one output, an output that is not
            named .png, a folder without images.
        VeilsegError: when the only input does not exist, or is of a kind that is not read.
    """
    addresses = [address_of(each) for each in inputs]
    target = None if output is None else address_of(output)
    if STREAM in addresses and len(addresses) > 1:
        raise UsageError("stdin (-) cannot be mixed with other inputs", "pass - alone")
    several, found, left_out = _find(addresses, target)
    if target is None and addresses != [STREAM]:
        example = "FOLDER" if several else f"{PurePosixPath(addresses[0]).stem}-{verb}ed.png"
        raise UsageError("no output is named", f"add -o {example}")
    if target is None or target == STREAM:
        if several:
            raise UsageError("stdout (-) takes one image", "name a folder with -o FOLDER")
        return Plan([Task((addresses[0],), (STREAM,))], [])
    kind = location_of(target).kind(target)
    if not several and kind != "folder" and not (output or "").endswith("/"):
        return checked(Plan([Task((addresses[0],), (target,))], []))
    if STREAM in addresses:
        raise UsageError(f"the image from stdin has no name for a file in {output}", "name a file with -o FILE")
    if kind == "file" or (several and kind is None and target.lower().endswith(".png")):
        raise UsageError(f"{output} names a file, and several images are to be written", "name a folder with -o FOLDER")
    tasks = [Task((source,), (join(target, str(PurePosixPath(name).with_suffix(".png"))),)) for source, name in found]
    return checked(Plan(tasks, left_out, (target,)))


def checked(plan: Plan, pictures: int | None = None) -> Plan:
    """The plan. Raises UsageError when an output is any task's input, or another's output, or no PNG by its name.

    pictures: so many outputs of a task, the first, are PNGs; None: all.
    """
    # Any input: the last of ten must not be replaced by the result of the first.
    inputs = {identity(each) for task in plan.tasks for each in task.inputs if each != STREAM}
    taken: dict[str, str] = {}
    for task in plan.tasks:
        for index, output in enumerate(task.outputs):
            if output != STREAM and (pictures is None or index < pictures):
                refuse_other_than_png(output)
            first = taken.setdefault(output, task.inputs[0])
            if first != task.inputs[0]:
                both = f"{first} and {task.inputs[0]}"
                raise UsageError(f"{both} would both become {output}", "give them different names")
            if identity(output) in inputs:
                raise UsageError(f"the output {output} is also an input", "write to another file or folder")
        if len(set(task.outputs)) < len(task.outputs):
            raise UsageError(f"{task.outputs[0]} would be written twice", "choose another name for one of the outputs")
    return plan


def _find(addresses: list[str], target: str | None) -> tuple[bool, list[tuple[str, str]], list[Outcome]]:
    """Whether several images are meant; the address of each, and its name below the output folder; what is left out."""
    kinds = ["file" if each == STREAM else location_of(each).kind(each) for each in addresses]
    several = len(addresses) > 1 or kinds[0] == "folder"
    found: list[tuple[str, str]] = []
    left_out: list[Outcome] = []
    for each, kind in zip(addresses, kinds, strict=True):
        if kind == "folder":
            _list(each, target, found, left_out)
        elif error := refusal_by_name(each):
            if not several:
                raise InvalidImageError(f"{each}: {error.message}", error.hint)
            left_out.append(Outcome(each, error))
        elif kind is None:
            if not several:
                raise VeilsegError(f"{each} does not exist", "check the name")
            left_out.append(Outcome(each, VeilsegError("it does not exist", "check the name")))
        else:
            found.append((each, PurePosixPath(each).name))
    if not found and not left_out:
        raise UsageError(f"{addresses[0]} has no images", f"looked for {' '.join(sorted(SUFFIXES))}")
    return several, found, left_out


def _list(folder: str, target: str | None, found: list[tuple[str, str]], left_out: list[Outcome]) -> None:
    """Add what lies in an input folder. Raises UsageError when the output is that folder, or holds it."""
    if target is not None and lies_in(folder, target):
        if lies_in(target, folder):
            raise UsageError(f"the output {target} is also an input", "write to another folder")
        raise UsageError(f"the input {folder} lies in the output {target}", "write to another folder")
    for name, problem in sorted(location_of(folder).files(folder, target)):
        address = join(folder, name)
        error = VeilsegError(problem) if problem else refusal_by_name(name)
        if error:
            left_out.append(Outcome(address, error))
        elif PurePosixPath(name).suffix.lower() in SUFFIXES:
            found.append((address, name))
