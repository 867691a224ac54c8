"""Bulk work on a cluster leaves the same bytes as in one process, and a node that dies changes nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

import veilseg
from tests.tiny_onnx import CANONICAL, photo, tiny_model
from veilseg.bulk import Encrypt, Job, Segment, make_plan, open_place, run_here
from veilseg.cluster.bulk import run_on_ray

pytestmark = pytest.mark.slow
SORT = veilseg.cipher("subblock-sort", block=16, sub_block=8)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("kind", ["encrypt", "segment"])
def test_same_bytes_as_in_one_process(kind: str, cluster: None, tmp_path: Path) -> None:
    (tmp_path / "in" / "deep").mkdir(parents=True)
    for index in range(6):
        path = tmp_path / "in" / ("deep" if index % 2 else "") / f"{index}.png"
        if kind == "encrypt":
            Image.fromarray(photo(index)).save(path)
        else:
            path.write_bytes(SORT.encrypt(photo(index)).to_bytes())
    (tmp_path / "in" / "damaged.jpg").write_bytes(b"\xff\xd8")
    job: Job = Encrypt(SORT)
    if kind == "segment":
        job = Segment(str(tiny_model(tmp_path / "model", CANONICAL)), threads=1)
    source = open_place(str(tmp_path / "in"))
    found = {}
    for name, run in (("here", run_here), ("ray", run_on_ray)):
        target = open_place(str(tmp_path / name))
        plan = make_plan(source, target)
        found[name] = {one.name: one for one in run(plan.todo, job, source, target)}
        assert len(found[name]) == 7
        assert make_plan(source, target).todo == ["damaged.jpg"]
    assert found["here"] == found["ray"]
    assert contents(tmp_path / "here") == contents(tmp_path / "ray")
