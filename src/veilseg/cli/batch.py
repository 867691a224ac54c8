"""One job over many images: which input becomes which output, and what happens when one of them fails."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from veilseg.cli.common import progress_bar, write_stdout
from veilseg.cli.messages import note, show_error
from veilseg.errors import UsageError, VeilsegError
from veilseg.files import file_identity, read_limited, refuse_existing, write_atomic

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

    One file (or "-") goes to the file `output` (or "-"); a folder stands for the images in it; several images go into
    the folder `output`, each under its own stem as PNG. Raises UsageError for a missing output, an output that is an
    input, two inputs with one output, an output that is not named .png, an empty folder.
    """
    if STREAM in inputs and len(inputs) > 1:
        raise UsageError("stdin (-) cannot be mixed with other inputs", "pass - alone")
    sources = [source for each in inputs for source in _expand(each)]
    several = len(sources) > 1 or any(each != STREAM and Path(each).is_dir() for each in inputs)
    if output is None:
        if sources == [STREAM]:
            return Plan([(STREAM, STREAM)])
        raise UsageError(
            "no output is named", f"add -o {'FOLDER' if several else f'{Path(sources[0]).stem}-{verb}ed.png'}"
        )
    if output == STREAM:
        if several:
            raise UsageError("stdout (-) takes one image", "name a folder with -o FOLDER")
        return Plan([(sources[0], STREAM)])
    if not several and not output.endswith("/") and not Path(output).is_dir():
        return _checked(Plan([(sources[0], output)]))
    if sources == [STREAM]:
        raise UsageError(f"the image from stdin has no name for a file in {output}", "name a file with -o FILE")
    if Path(output).exists() and not Path(output).is_dir():
        raise UsageError(f"{output} is a file, and several images are to be written", "name a folder with -o FOLDER")
    folder = Path(output)
    return _checked(Plan([(source, str(folder / f"{Path(source).stem}.png")) for source in sources], folder))


def _expand(source: str) -> list[str]:
    """The images that one argument stands for."""
    if source == STREAM or not Path(source).is_dir():
        return [source]
    from veilseg.images import SUFFIXES, list_images  # brings NumPy, for which --help should not wait

    found = list_images(source)
    if not found:
        raise UsageError(f"the folder {source} has no images", f"looked for {' '.join(sorted(SUFFIXES))}")
    return [str(path) for path in found]


def _checked(plan: Plan) -> Plan:
    # Any input, not only the job's own: the last of ten must not be replaced by the result of the first.
    inputs = {file_identity(source) for source, _ in plan.jobs if source != STREAM}
    taken: dict[str, str] = {}
    for source, target in plan.jobs:
        path = Path(target)
        if path.suffix.lower() != ".png" and (path.is_file() or not path.exists()):
            raise UsageError(f"{path} would be a PNG under another name", f"name it {path.with_suffix('.png').name}")
        if target in taken:
            raise UsageError(f"{taken[target]} and {source} would both become {target}", "give them different names")
        if file_identity(target) in inputs:
            raise UsageError(f"the output {target} is also an input", "write to another file or folder")
        taken[target] = source
    return plan


def run(plan: Plan, work: Callable[[bytes], bytes], *, doing: str, force: bool) -> int:
    """Do `work` (bytes of the input to bytes of the output) on every job. Returns how many failed.

    A single failing job raises its error; among several it is reported, the others go on, and a summary ends the run.
    """
    if plan.folder is not None:
        plan.folder.mkdir(parents=True, exist_ok=True)
    if len(plan.jobs) == 1:
        _do(*plan.jobs[0], work, force)
        return 0
    failed = 0
    with progress_bar(len(plan.jobs), doing) as step:
        for source, target in plan.jobs:
            try:
                _do(source, target, work, force)
            except VeilsegError as error:
                failed += 1
                show_error(f"{source}: {error.message}", error.hint)
            step()
    note(f"{len(plan.jobs) - failed} of {len(plan.jobs)} images written to {plan.folder}")
    return failed


def _do(source: str, target: str, work: Callable[[bytes], bytes], force: bool) -> None:
    from veilseg.images import MAX_BYTES

    # What would be refused in the end is refused before the work is done.
    if target == STREAM and sys.stdout.isatty():
        write_stdout(b"")
    elif target != STREAM:
        refuse_existing(target, overwrite=force)
    result = work(read_limited(sys.stdin.buffer if source == STREAM else source, MAX_BYTES))
    if target == STREAM:
        write_stdout(result)
    else:
        write_atomic(target, result, overwrite=force)
