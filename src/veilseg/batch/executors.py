"""What carries tasks out: this process one by one, or several at once through a service. Ray: veilseg.cluster.batch.

Every executor does the same to a task, `carry_out`, and differs by where and how many at a time.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from queue import SimpleQueue

from veilseg.batch.locations import location_of
from veilseg.batch.operations import Operation, Work
from veilseg.batch.plan import Task
from veilseg.batch.summary import Outcome
from veilseg.errors import ServiceError, VeilsegError


def carry_out(task: Task, work: Work, *, force: bool = False) -> Outcome:
    """Write the outputs of one task that are missing (force: all), each whole or not at all.

    What goes wrong is reported, not raised. May be called again for the same task, by whoever repeats what a dead
    machine had begun.
    """
    name = task.inputs[0]
    try:
        wanted = set(task.outputs) if force else task.missing()
        if not wanted:
            return Outcome(name, skipped=True)
        files = work(*task.read())
        for output, data in zip(task.outputs, files.contents, strict=True):
            if output in wanted:
                location_of(output).write(output, data, overwrite=force)
    except VeilsegError as error:
        return Outcome(name, error)
    except MemoryError:
        return Outcome(name, VeilsegError("not enough memory", "use smaller images, or a larger machine"))
    return Outcome(name, remark=files.remark)


def run_here(tasks: Iterable[Task], operation: Operation, *, force: bool = False) -> Iterator[Outcome]:
    """`carry_out` for every task; one image is in memory at a time. Raises what the operation raises when opened."""
    work = operation.open()
    for task in tasks:
        yield carry_out(task, work, force=force)


def run_by_service(
    tasks: Iterable[Task], operation: Operation, *, force: bool = False, in_flight: int = 8
) -> Iterator[Outcome]:
    """The same for `in_flight` tasks at a time; outcomes come in any order.

    Ends when the service is gone or refuses our token: then the rest is not tried. Raises what the operation raises
    when opened, and what taking the next task raises.
    """
    work = operation.open()
    waiting, taking = iter(tasks), threading.Lock()
    ended: SimpleQueue[Outcome | BaseException | None] = SimpleQueue()
    stop = threading.Event()

    def one_after_another() -> None:
        try:
            while not stop.is_set():
                with taking:
                    task = next(waiting, None)
                if task is None:
                    break
                outcome = carry_out(task, work, force=force)
                if isinstance(outcome.error, ServiceError) and outcome.error.status in (None, 401):
                    stop.set()
                ended.put(outcome)
        except BaseException as error:
            ended.put(error)
        ended.put(None)

    for _ in range(in_flight):
        # Daemons, so that nobody waits for an answer after Ctrl-C; files are whole at any moment.
        threading.Thread(target=one_after_another, daemon=True).start()
    working = in_flight
    try:
        while working:
            outcome = ended.get()
            if isinstance(outcome, BaseException):
                raise outcome
            if outcome is None:
                working -= 1
            else:
                yield outcome
    finally:
        stop.set()
