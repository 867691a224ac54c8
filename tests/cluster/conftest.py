"""A Ray cluster of our own for the tests of one file, and a service on one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.service import Service, running
from tests.tiny_onnx import CANONICAL, tiny_model


def a_process(name: str, below: int) -> int:
    """The id of a process with `name` in its command line that the process `below` has started, directly or not."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if name in (folder / "cmdline").read_bytes().decode(errors="replace") and below in _ancestors(folder):
                found.append(int(folder.name))
        except (OSError, ValueError):  # it has ended
            continue
    assert found, name
    return max(found)


def _ancestors(folder: Path) -> set[int]:
    found = set()
    while folder.name not in ("0", "1"):
        parent = (folder / "stat").read_text().rpartition(")")[2].split()[1]
        found.add(int(parent))
        folder = folder.with_name(parent)
    return found


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    """A cluster of two cores in this process, as `connect` starts it, without looking for another one."""
    import ray

    ray.init("local", num_cpus=2, include_dashboard=False, log_to_driver=False, object_store_memory=100 << 20)
    yield
    ray.shutdown()


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny key-invariant model."""
    return tiny_model(tmp_path_factory.mktemp("models") / "tiny", CANONICAL)


@pytest.fixture(scope="module")
def service(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The service of the tests of one machine, as two replicas."""
    arguments = (str(model), f"other={model}", "--body", "1", "--pixels", "100000", "--ray", "--replicas", "2")
    with running(tmp_path_factory.mktemp("service"), *arguments) as started:
        yield started
