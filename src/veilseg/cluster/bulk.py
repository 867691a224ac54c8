"""`veilseg bulk --ray`: the work of veilseg.bulk as a pipeline of Ray Data.

Only names and outcomes travel through Ray. Images go from the source to a worker and from there to the target, so what
a worker holds is one image, and neither photographs nor keys lie in Ray's object store. Ray sends the names of a worker
that died to another one; `process` leaves what the first had written.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import ray
import ray.data

from veilseg.bulk import Job, Outcome, Place, Segment, open_place, process
from veilseg.cluster.connect import connect
from veilseg.errors import VeilsegError

#: Names that a worker gets at a time: few, so that little is done again after a death and all end at about the same
#: time; several, so that an image costs no trip through Ray. Of more than _MOST_PARTS parts each is longer.
_PART, _MOST_PARTS = 8, 4096


class Worker:
    """What a process of the cluster keeps: the opened job (a loaded model) and the two places."""

    def __init__(self, job: Job, source: str, target: str, force: bool) -> None:
        self.work = job.open()
        self.source, self.target, self.force = open_place(source), open_place(target), force

    def __call__(self, batch: dict[str, Any]) -> dict[str, list[str]]:
        """Names in, outcomes out, "" for None: a column of Arrow has one type."""
        done = [process(str(name), self.work, self.source, self.target, force=self.force) for name in batch["name"]]
        return {
            "name": [one.name for one in done],
            "reason": [one.reason or "" for one in done],
            "hint": [one.hint or "" for one in done],
        }


def run_on_ray(
    names: Sequence[str], job: Job, source: Place, target: Place, *, force: bool = False
) -> Iterator[Outcome]:
    """What `run_here` does, on all machines of the cluster; outcomes come in any order.

    Every process that works reserves as many cores as the job's threads (default: 1), and there are as many as the
    cluster has room for. Raises what the job raises when it is opened here, VeilsegError when it cannot be opened
    elsewhere or the cluster is lost.
    """
    job.open()
    if not names:
        return
    there, threads = _for_elsewhere(job)
    connect(threads)
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    count = min(-(-len(names) // _PART), _MOST_PARTS)
    parts = ray.data.from_items([{"name": name} for name in names], override_num_blocks=count)
    outcomes = parts.map_batches(
        Worker,
        batch_size=None,
        compute=ray.data.ActorPoolStrategy(min_size=1),
        num_cpus=threads,
        fn_constructor_args=(there, source.url, target.url, force),
    )
    try:
        for row in outcomes.iter_rows():
            yield Outcome(row["name"], row["reason"] or None, row["hint"] or None)
    except ray.exceptions.RayError as error:
        last = str(error).strip().rpartition("\n")[2]
        hint = "the same command goes on where it stopped; model and key file must be on every machine"
        raise VeilsegError(f"the cluster could not go on: {last}", hint) from error


def _for_elsewhere(job: Job) -> tuple[Job, int]:
    """The job as other machines understand it, and the cores that one process needs."""
    if not isinstance(job, Segment):
        return job, 1
    folder = Path(job.model)
    model = str(folder.absolute()) if folder.is_dir() else job.model
    threads = job.threads or 1
    return dataclasses.replace(job, model=model, threads=threads), threads
