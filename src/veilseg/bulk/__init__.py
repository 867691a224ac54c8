"""Many images at once: from one folder or bucket into another, one output per input, resumed by what exists.

What is done to an image is the same whether one process does it (work.py) or a cluster (veilseg.cluster.bulk).
"""

from veilseg.bulk.jobs import Encrypt, Job, Segment
from veilseg.bulk.places import Place, open_place
from veilseg.bulk.plan import MANIFEST, Outcome, Plan, make_plan, manifest
from veilseg.bulk.work import process, run_here

__all__ = [
    "MANIFEST",
    "Encrypt",
    "Job",
    "Outcome",
    "Place",
    "Plan",
    "Segment",
    "make_plan",
    "manifest",
    "open_place",
    "process",
    "run_here",
]
