"""One job over many images: which input becomes which output, and what happens when one of them fails."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from veilseg.cli.common import progress_bar, write_stdout
from veilseg.cli.messages import note, show_error
from veilseg.errors import UsageError, VeilsegError
from veilseg.files import (
    check_output,
    file_identity,
    make_folder,
    read_limited,
    refuse_other_than_png,
    write_atomic,
)

STREAM = "-"


@dataclass(frozen=True)
class Plan:
    """Pairs of (input, output), each a path or "-" for stdin and stdout; folder: the one to make for the outputs, if
    any.
    """

    jobs: list[tuple[str, str]]
    folder: Path | None = None


def plan(inputs: Sequence[str], output: str | None, *, verb: str) -> Plan:
    """Pair inputs with outputs before anything is done.

    One file (or "-") goes to the file `output` (or "-"); a folder stands for the images in it and in its subfolders;
    several images go into the folder `output`, as PNG under their own stems, those of subfolders into subfolders. What
    lies in `output` already is no input. Raises UsageError for a missing output, an output that is an input, two
    inputs with one output, an output that is not named .png, an empty folder.
    """
    if STREAM in inputs and len(inputs) > 1:
        raise UsageError("stdin (-) cannot be mixed with other inputs", "pass - alone")
    folders = [each for each in inputs if each != STREAM and Path(each).is_dir()]
    if output is not None and file_identity(output) in {file_identity(each) for each in folders}:
        raise UsageError(f"the output {output} is also an input", "write to another folder")
    sources = [source for each in inputs for source in _expand(each, None if output is None else Path(output))]
    several = len(sources) > 1 or bool(folders)
    first = sources[0][0]
    if output is None:
        if first == STREAM:
            return Plan([(STREAM, STREAM)])
        raise UsageError("no output is named", f"add -o {'FOLDER' if several else f'{Path(first).stem}-{verb}ed.png'}")
    if output == STREAM:
        if several:
            raise UsageError("stdout (-) takes one image", "name a folder with -o FOLDER")
        return Plan([(first, STREAM)])
    folder = Path(output)
    if not several and not output.endswith("/") and not folder.is_dir():
        return _checked(Plan([(first, output)]))
    if first == STREAM:
        raise UsageError(f"the image from stdin has no name for a file in {output}", "name a file with -o FILE")
    if not folder.is_dir() and (folder.exists() or (several and folder.suffix.lower() == ".png")):
        raise UsageError(f"{output} names a file, and several images are to be written", "name a folder with -o FOLDER")
    return _checked(Plan([(source, str(folder / place.with_suffix(".png"))) for source, place in sources], folder))


def _expand(source: str, output: Path | None) -> list[tuple[str, Path]]:
    """The images that one argument stands for, each with its place below the output folder."""
    if source == STREAM or not Path(source).is_dir():
        return [(source, Path(Path(source).name))]
    from veilseg.images import SUFFIXES, list_images  # brings NumPy, for which --help should not wait

    outputs = None if output is None else output.resolve()
    found = [path for path in list_images(source) if outputs is None or outputs not in path.resolve().parents]
    if not found:
        raise UsageError(f"the folder {source} has no images", f"looked for {' '.join(sorted(SUFFIXES))}")
    return [(str(path), path.relative_to(source)) for path in found]


def _checked(plan: Plan) -> Plan:
    # Any input, not only the job's own: the last of ten must not be replaced by the result of the first.
    inputs = {file_identity(source) for source, _ in plan.jobs if source != STREAM}
    taken: dict[str, str] = {}
    for source, target in plan.jobs:
        refuse_other_than_png(target)
        if target in taken:
            raise UsageError(f"{taken[target]} and {source} would both become {target}", "give them different names")
        if file_identity(target) in inputs:
            raise UsageError(f"the output {target} is also an input", "write to another file or folder")
        taken[target] = source
    return plan


def run(plan: Plan, work: Callable[[bytes, str], bytes], *, doing: str, force: bool) -> int:
    """Do `work` (bytes of the input and its name to bytes of the output) on every job. Returns how many failed.

    A single failing job raises its error; among several it is reported, the others go on, and a summary ends the run.
    An interruption says what was done, and goes on.
    """
    for folder in {Path(target).parent for _, target in plan.jobs if plan.folder is not None}:
        make_folder(folder)
    if len(plan.jobs) == 1:
        _do(*plan.jobs[0], work, force)
        return 0
    failed = written = 0
    try:
        with progress_bar(len(plan.jobs), doing) as step:
            for source, target in plan.jobs:
                try:
                    _do(source, target, work, force)
                    written += 1
                except VeilsegError as error:
                    failed += 1
                    show_error(f"{source}: {error.message}", error.hint)
                step()
    except KeyboardInterrupt:
        note(
            f"interrupted: {written} of {len(plan.jobs)} images written to {plan.folder}, each of them whole; "
            "the same command does the rest, and leaves these unless --force is given"
        )
        raise
    note(f"{written} of {len(plan.jobs)} images written to {plan.folder}")
    return failed


def _do(source: str, target: str, work: Callable[[bytes, str], bytes], force: bool) -> None:
    from veilseg.images import MAX_BYTES

    # What would be refused in the end is refused before the work is done.
    if target == STREAM and sys.stdout.isatty():
        write_stdout(b"")
    elif target != STREAM:
        check_output(target, overwrite=force)
    result = work(read_limited(sys.stdin.buffer if source == STREAM else source, MAX_BYTES), source)
    if target == STREAM:
        write_stdout(result)
    else:
        write_atomic(target, result, overwrite=force)
