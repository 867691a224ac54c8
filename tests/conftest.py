"""Fixtures shared by all tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def camvid() -> Path:
    """The folder of CamVid photographs: VEILSEG_CAMVID, or ../shared/camvid beside the checkout. Skips without it, except in CI."""
    root = Path(os.environ.get("VEILSEG_CAMVID", Path(__file__).parents[2] / "shared" / "camvid"))
    if not (root / "val").is_dir():
        message = f"no CamVid at {root}; set VEILSEG_CAMVID to run this test"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    return root
