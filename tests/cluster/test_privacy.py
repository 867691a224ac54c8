"""A Ray cluster of our own: loopback only, nothing asked elsewhere."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from PIL import Image

from tests.traced import traced

LOOPBACK = re.compile(r"(127\.0\.0\.1|::1|::ffff:127\.0\.0\.1):\d+")


def test_a_cluster_of_our_own_stays_on_this_machine(tmp_path: Path) -> None:
    folder = tmp_path / "work"
    (folder / "photos").mkdir(parents=True)
    Image.fromarray(np.zeros((64, 96, 3), np.uint8)).save(folder / "photos" / "0.png")
    trace = traced(folder, "-m", "veilseg.cli.main", "encrypt", "photos", "-o", "encrypted", "--ray")
    assert trace.code == 0, trace.output
    addresses = {name for name in trace.sockets if not name.startswith("/")}
    assert addresses
    assert {name for name in addresses if not LOOPBACK.fullmatch(name)} == set()
