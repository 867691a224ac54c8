"""A Ray cluster of several nodes on this machine, for the tests of one file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from ray.cluster_utils import Cluster

#: What a node needs here: nothing of ours lies in Ray's object store. The least that Ray takes is 75 MiB.
NODE: dict[str, Any] = {"num_cpus": 1, "object_store_memory": 80 << 20, "include_dashboard": False}

#: A node that is dead is noticed in seconds, not in half a minute.
WATCHFUL = {
    "health_check_initial_delay_ms": 1000,
    "health_check_period_ms": 1000,
    "health_check_failure_threshold": 3,
}


@pytest.fixture(scope="module")
def cluster(monkeypatch_module: pytest.MonkeyPatch) -> Iterator[Cluster]:
    """A first node, which this process has joined, and a second one; each has one core."""
    import ray
    from ray.cluster_utils import Cluster

    started = Cluster(initialize_head=True, head_node_args={**NODE, "_system_config": WATCHFUL})
    try:
        started.add_node(**NODE)
        monkeypatch_module.setenv("RAY_ADDRESS", started.address)
        ray.init(log_to_driver=False)
        yield started
    finally:
        ray.shutdown()
        started.shutdown()


@pytest.fixture(scope="module")
def monkeypatch_module() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patch:
        yield patch
