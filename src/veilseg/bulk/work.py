"""One image from its place to its place, and all of them in this process, one after the other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from veilseg.bulk.jobs import Job, Work
from veilseg.bulk.places import Place
from veilseg.bulk.plan import Outcome, output_name
from veilseg.errors import VeilsegError


def process(name: str, work: Work, source: Place, target: Place, *, force: bool = False) -> Outcome:
    """Make the output of one input, whole or not at all; what goes wrong is told, not raised.

    May be called again for the same input, by whoever repeats what a dead machine had begun: an output that is there is
    left as it is (force: replaced).
    """
    output = output_name(name)
    try:
        if force or not target.exists(output):
            target.write(output, work(source.read(name)))
    except VeilsegError as error:
        return Outcome(name, error.message, error.hint)
    except MemoryError:
        return Outcome(name, "not enough memory", "use smaller images, or a larger machine")
    return Outcome(name)


def run_here(names: Iterable[str], job: Job, source: Place, target: Place, *, force: bool = False) -> Iterator[Outcome]:
    """`process` for every name; one image is in memory at a time. Raises what the job raises when it is opened."""
    work = job.open()
    for name in names:
        yield process(name, work, source, target, force=force)
