"""Which cluster: the one that RAY_ADDRESS names, else one of our own on this machine that ends with the process."""

from __future__ import annotations

import logging
import os

# Ray reports its use to its makers unless told otherwise. A cluster that somebody else started has decided for itself.
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")

import ray

from veilseg.errors import VeilsegError


def connect() -> None:
    """Join the cluster or start one. Does nothing in a process that has. Raises VeilsegError when it cannot be reached.

    A cluster of our own listens on loopback only and has no dashboard.
    """
    if ray.is_initialized():
        return
    address = os.environ.get("RAY_ADDRESS")
    try:
        if address:
            ray.init(logging_level=logging.WARNING)
        else:
            ray.init("local", include_dashboard=False, logging_level=logging.WARNING)
    except (ConnectionError, ValueError, TimeoutError, RuntimeError, ray.exceptions.RayError) as error:
        where = f"the Ray cluster at {address} cannot be reached" if address else "Ray cannot be started"
        raise VeilsegError(where, str(error).partition("\n")[0]) from error
