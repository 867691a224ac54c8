"""What the verbs for images share: carry out a plan, say what goes wrong at once, and sum up."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from veilseg.cli.common import progress_bar
from veilseg.cli.messages import note, show_error
from veilseg.errors import VeilsegError

if TYPE_CHECKING:
    from veilseg.batch import Operation, Outcome, Plan, Summary

    Executor = Callable[..., Iterator[Outcome]]

Images = Annotated[
    list[str], typer.Argument(metavar="IMAGES", help="Files, folders, URLs (s3://bucket/photos); - reads stdin.")
]
ImageOutput = Annotated[
    str | None,
    typer.Option(
        "--output", "-o", metavar="PATH", help="File for one image; folder or URL of one for several; - for stdout."
    ),
]
OnRay = Annotated[bool, typer.Option("--ray", help="On the Ray cluster at RAY_ADDRESS, else on all cores here.")]
Again = Annotated[bool, typer.Option("--force", help="Replace existing outputs, which are skipped else.")]


def executor_of(ray: bool) -> Executor:
    """What carries tasks out: this process, or a cluster."""
    if ray:
        from veilseg.cluster.batch import run_on_ray

        return run_on_ray
    from veilseg.batch import run_here

    return run_here


def run(plan: Plan, operation: Operation, executor: Executor, *, force: bool) -> int:
    """Let an executor do what is missing (force: everything) of a plan. Returns the exit code.

    The failure of one named image raises its error. Of several, failures are shown, and the others go on.
    """
    from veilseg.batch import Summary

    tasks = plan.tasks if force else plan.missing()
    if tasks:
        plan.check()
    outcomes = executor(tasks, operation, force=force) if tasks else iter(())
    if plan.folders:
        summary = Summary(skipped=len(plan.tasks) - len(tasks), left_out=plan.left_out)
        return report(outcomes, summary, operation.doing, len(tasks))
    for outcome in outcomes:
        if outcome.error is not None:
            raise outcome.error
        if outcome.remark is not None:
            note(outcome.remark)
    if not tasks:
        note(f"skipped: {' and '.join(plan.tasks[0].outputs)} exists; --force does it again")
    return 0


def report(outcomes: Iterable[Outcome], summary: Summary, doing: str, total: int | None) -> int:
    """Show outcomes as they come, and sum up. total: how many there are to be, where that is known.

    An interruption says what was done, and goes on.
    """
    hints: set[str] = set()
    tried = 0
    try:
        with progress_bar(total, doing) as step:
            for outcome in outcomes:
                tried += 1
                summary.add(outcome)
                if outcome.error is not None:
                    _show("error", outcome.name, outcome.error, hints)
                step()
    except KeyboardInterrupt:
        note(f"interrupted: {summary.counts()}; every output is whole, and the same command does the rest")
        raise
    except VeilsegError:
        if tried:
            note(summary.counts())
        raise
    summary.not_tried = 0 if total is None else total - tried
    for outcome in summary.left_out:
        if outcome.error is not None:
            _show("left out", outcome.name, outcome.error, hints)
    note(summary.counts())
    return 0 if summary.complete else 1


def _show(what: str, name: str, error: VeilsegError, hints: set[str]) -> None:
    """One line, and the hint when it is given for the first time."""
    show_error(f"{name}: {error.message}", None if error.hint in hints else error.hint, what=what)
    hints.add(error.hint or "")
