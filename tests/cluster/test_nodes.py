"""A machine that dies in the middle of bulk work: nothing is lost, nothing is done twice over."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

import veilseg
from tests.tiny_onnx import photo
from veilseg.bulk import Encrypt, make_plan, open_place
from veilseg.cluster.bulk import run_on_ray

SORT = veilseg.cipher("subblock-sort", block=16, sub_block=8)
COUNT = 120


@pytest.mark.slow
def test_bulk_work_outlives_a_node(tmp_path: Path) -> None:
    import ray
    from ray.cluster_utils import Cluster

    (tmp_path / "in").mkdir()
    for index in range(COUNT):
        Image.fromarray(photo(index, 200, 300)).save(tmp_path / "in" / f"{index:03}.png")
    source, target = open_place(str(tmp_path / "in")), open_place(str(tmp_path / "out"))
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    node = cluster.add_node(num_cpus=1)
    cluster.wait_for_nodes()
    ray.init(address=cluster.address, log_to_driver=False)
    try:
        seen = []
        for outcome in run_on_ray(make_plan(source, target).todo, Encrypt(SORT), source, target):
            assert outcome.reason is None
            seen.append(outcome.name)
            if len(seen) == 5:
                cluster.remove_node(node, allow_graceful=False)
    finally:
        ray.shutdown()
        cluster.shutdown()
    assert sorted(seen) == [f"{index:03}.png" for index in range(COUNT)]
    assert not make_plan(source, target).todo
    for index in (0, COUNT - 1):
        assert target.read(f"{index:03}.png") == SORT.encrypt(photo(index, 200, 300)).to_bytes()
    assert {path.suffix for path in (tmp_path / "out").iterdir()} == {".png"}, "no parts of files are left"
