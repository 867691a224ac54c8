"""`--ray` for many images: the tasks of veilseg.batch as a pipeline of Ray Data.

Only addresses and outcomes travel through Ray. Images go from where they lie to a worker and from there to where they
belong, so what a worker holds is one image, and neither photographs nor keys lie in Ray's object store. Ray sends the
tasks of a worker that died to another one; `carry_out` leaves what the first had written.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Sequence
from typing import Any

import ray
import ray.data

from veilseg.batch import STREAM, Outcome, Portable, Task, carry_out
from veilseg.batch.locations import absolute
from veilseg.cluster.connect import connect
from veilseg.errors import UsageError, VeilsegError

#: Tasks that a process gets at a time: few, so that little is done again after a death and all end at about the same
#: time; several, so that an image costs no trip through Ray. Of more than _MOST_PARTS parts each is longer.
_PART, _MOST_PARTS = 8, 4096


class OpenedOperation:
    """What a process of the cluster keeps: the opened operation, with a loaded model."""

    def __init__(self, operation: Portable, force: bool) -> None:
        self.work, self.force = operation.open(), force

    def __call__(self, batch: dict[str, Any]) -> dict[str, list[Any]]:
        """Tasks in, outcomes out, "" for None: a column of Arrow has one type."""
        tasks = (Task(*map(tuple, json.loads(str(text)))) for text in batch["task"])
        outcomes = [carry_out(task, self.work, force=self.force) for task in tasks]
        errors = [one.error or VeilsegError("") for one in outcomes]
        return {
            "number": list(batch["number"]),
            "message": [error.message for error in errors],
            "hint": [error.hint or "" for error in errors],
            "skipped": [one.skipped for one in outcomes],
        }


def run_on_ray(tasks: Sequence[Task], operation: Portable, *, force: bool = False) -> Iterator[Outcome]:
    """What `run_here` does, on all machines of the cluster; outcomes come in any order.

    As many processes work as the cluster has room for; each reserves `operation.cores`. Raises what the operation
    raises when it is opened here, VeilsegError when it cannot be opened elsewhere or the cluster is lost, UsageError
    for stdin and stdout.
    """
    if any(STREAM in (*task.inputs, *task.outputs) for task in tasks):
        raise UsageError("a cluster reads no stdin and writes no stdout", "name files, folders or buckets")
    operation.open()
    if not tasks:
        return
    there = operation.elsewhere()
    connect(there.cores)
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    rows = [{"number": number, "task": _as_text(task)} for number, task in enumerate(tasks)]
    parts = ray.data.from_items(rows, override_num_blocks=min(-(-len(rows) // _PART), _MOST_PARTS))
    outcomes = parts.map_batches(
        OpenedOperation,
        batch_size=None,
        compute=ray.data.ActorPoolStrategy(min_size=1),
        num_cpus=there.cores,
        fn_constructor_args=(there, force),
    )
    try:
        for row in outcomes.iter_rows():
            error = VeilsegError(row["message"], row["hint"] or None) if row["message"] else None
            yield Outcome(tasks[row["number"]].inputs[0], error, row["skipped"])
    except ray.exceptions.RayError as error:
        last = str(error).strip().rpartition("\n")[2]
        hint = "the same command goes on where it stopped; model and key file must be on every machine"
        raise VeilsegError(f"the cluster could not go on: {last}", hint) from error


def _as_text(task: Task) -> str:
    """The task as other machines understand it."""
    return json.dumps([[absolute(each) for each in task.inputs], [absolute(each) for each in task.outputs]])
