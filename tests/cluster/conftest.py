"""A Ray cluster of two nodes on this machine, one for all tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from ray._private.node import Node
    from ray.cluster_utils import Cluster

#: What a node needs here: nothing of ours lies in Ray's object store. The least that Ray takes is 75 MiB.
NODE: dict[str, Any] = {"num_cpus": 1, "object_store_memory": 80 << 20, "include_dashboard": False}

#: A node that is dead is noticed in seconds, not in half a minute.
WATCHFUL = {
    "health_check_initial_delay_ms": 1000,
    "health_check_period_ms": 1000,
    "health_check_failure_threshold": 3,
}


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A cluster that this process has joined; its first node has one core."""
    import ray
    from ray.cluster_utils import Cluster

    started = Cluster(initialize_head=True, head_node_args={**NODE, "_system_config": WATCHFUL})
    try:
        ray.init(started.address, log_to_driver=False)
        yield started
    finally:
        ray.shutdown()
        started.shutdown()


def second_node(cluster: Cluster) -> Node:
    """The cluster's second node, of one core; made again when a test has killed it."""
    if not cluster.worker_nodes:
        cluster.add_node(**NODE)
    (node,) = cluster.worker_nodes
    return node


def processes(name: str, below: int) -> list[int]:
    """The ids of the processes with `name` in their command lines that `below` has started, directly or not."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if name in (folder / "cmdline").read_bytes().decode(errors="replace") and below in _ancestors(folder):
                found.append(int(folder.name))
        except (OSError, ValueError):  # it has ended
            continue
    return found


def _ancestors(folder: Path) -> set[int]:
    found = set()
    while folder.name not in ("0", "1"):
        parent = (folder / "stat").read_text().rpartition(")")[2].split()[1]
        found.add(int(parent))
        folder = folder.with_name(parent)
    return found
