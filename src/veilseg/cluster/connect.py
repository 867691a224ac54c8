"""Which cluster: the one that RAY_ADDRESS names, else one of our own on this machine that ends with the process."""

from __future__ import annotations

import logging
import os

import ray
from ray._private import services

from veilseg.errors import UsageError, VeilsegError


def connect(cores: int) -> None:
    """Join the cluster or start one. Does nothing in a process that has.

    A cluster of our own listens on loopback only and has no dashboard. Raises VeilsegError when the cluster cannot be
    reached or started, UsageError when work for `cores` cores would wait for ever on one of our own (another may grow).
    """
    if ray.is_initialized():
        return
    address = os.environ.get("RAY_ADDRESS")
    # What processes write stays in Ray's logs: there are many, and Ray prefixes every line.
    options = {"logging_level": logging.WARNING, "log_to_driver": False}
    try:
        if address:
            ray.init(**options)
        else:
            # Without a dashboard this process only reports usage, and asks the cloud's metadata service where it runs
            # even where that is switched off.
            setattr(services, "start_api_server", lambda *_, **__: ("", None))  # noqa: B010 - vulture takes it for unused
            ray.init("local", include_dashboard=False, **options)
    except (ConnectionError, ValueError, TimeoutError, RuntimeError, ray.exceptions.RayError) as error:
        where = f"the Ray cluster at {address} cannot be reached" if address else "Ray cannot be started"
        raise VeilsegError(where, str(error).partition("\n")[0]) from error
    here = int(ray.cluster_resources().get("CPU", 0))
    if not address and here < cores:
        hint = "fewer threads or processes, or RAY_ADDRESS of a larger cluster"
        raise UsageError(f"this needs {cores} cores, and this machine has {here}", hint)
