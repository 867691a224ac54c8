"""Many images at once: files, folders and buckets in, one output per input out.

A plan pairs inputs with outputs, an operation says what is done to each, an executor does it. What exists is skipped:
that is all the state there is, so that the same call goes on after an interruption.
"""

from veilseg.batch.executors import carry_out, run_by_service, run_here
from veilseg.batch.locations import STREAM
from veilseg.batch.operations import Decrypt, Encrypt, Operation, Portable, Segment, SegmentByService
from veilseg.batch.overlays import with_answers, with_photographs
from veilseg.batch.plan import Plan, Task, make_plan
from veilseg.batch.summary import Outcome, Summary

__all__ = [
    "STREAM",
    "Decrypt",
    "Encrypt",
    "Operation",
    "Outcome",
    "Plan",
    "Portable",
    "Segment",
    "SegmentByService",
    "Summary",
    "Task",
    "carry_out",
    "make_plan",
    "run_by_service",
    "run_here",
    "with_answers",
    "with_photographs",
]
