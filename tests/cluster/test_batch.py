"""Many images on a cluster leave the same bytes as in one process, and a node that dies changes nothing."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image

import veilseg
from tests.cluster.conftest import second_node
from tests.tiny_onnx import CANONICAL, photo, tiny_model
from veilseg.batch import Encrypt, Plan, Portable, Segment, make_plan, run_here
from veilseg.batch.operations import Files, Work
from veilseg.cluster.batch import run_on_ray

if TYPE_CHECKING:
    from ray.cluster_utils import Cluster

pytestmark = pytest.mark.slow
SORT = veilseg.cipher("subblock-sort", block=16, sub_block=8)
COUNT = 80


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, without those that a killed process may leave beside its target."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.suffix != ".part")
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def plan(target: str) -> Plan:
    """By names that other processes do not understand."""
    return make_plan(["in"], target, verb="encrypt")


@pytest.mark.parametrize("kind", ["encrypt", "segment"])
def test_same_bytes_as_in_one_process(
    kind: str, cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    second_node(cluster)
    Path("in/deep").mkdir(parents=True)
    for index in range(6):
        path = Path("in", "deep" if index % 2 else "", f"{index}.png")
        if kind == "encrypt":
            Image.fromarray(photo(index)).save(path)
        else:
            path.write_bytes(SORT.encrypt(photo(index)).to_bytes())
    Path("in/damaged.jpg").write_bytes(b"\xff\xd8")
    operation: Portable = Encrypt(SORT)
    if kind == "segment":
        tiny_model(Path("model"), CANONICAL)
        operation = Segment("model", threads=1)
    found: dict[str, dict[str, tuple[str, bool]]] = {}
    for name, run in (("here", run_here), ("ray", run_on_ray)):
        outcomes = list(run(plan(name).tasks, operation))
        assert len(outcomes) == 7
        found[name] = {one.name: (str(one.error), one.skipped) for one in outcomes}
        assert [task.inputs for task in plan(name).missing()] == [("in/damaged.jpg",)]
    assert found["here"] == found["ray"]
    assert contents(tmp_path / "here") == contents(tmp_path / "ray")
    assert [one.skipped for one in run_on_ray(plan("ray").tasks, operation)].count(True) == 6


@dataclass(frozen=True)
class Slow(Encrypt):
    """The same, slowly, and not before `workers` processes work: so that one of them can be killed in the middle."""

    folder: str = ""
    workers: int = 0

    def open(self) -> Work:
        work = super().open()
        begun = Path(self.folder)

        def wait_and_work(data: bytes) -> Files:
            (begun / str(os.getpid())).touch()
            while len(list(begun.iterdir())) < self.workers:
                time.sleep(0.05)
            time.sleep(0.1)
            return work(data)

        return wait_and_work


def test_a_node_that_dies_in_the_middle_changes_nothing(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second node is killed with its processes while it works; what it had begun is done by the first."""
    monkeypatch.chdir(tmp_path)
    Path("in").mkdir()
    Path("begun").mkdir()
    for index in range(COUNT):
        Image.fromarray(photo(index)).save(f"in/{index:03}.png")
    operation = Slow(SORT, folder=str(tmp_path / "begun"), workers=2)
    node = second_node(cluster)
    seen: list[str] = []
    for outcome in run_on_ray(plan("out").missing(), operation):
        assert outcome.error is None
        if not seen:
            assert len(plan("out").missing()) > COUNT // 2, "much is left to do"
            cluster.remove_node(node, allow_graceful=False)
        seen.append(outcome.name)
    assert sorted(seen) == [f"in/{index:03}.png" for index in range(COUNT)], "each once"
    wanted = {f"{index:03}.png": SORT.encrypt(photo(index)).to_bytes() for index in range(COUNT)}
    assert contents(tmp_path / "out") == wanted
