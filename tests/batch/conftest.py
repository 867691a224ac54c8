"""A service for the tests of what goes through one, and a video."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from tests.server.conftest import model, service  # noqa: F401


@pytest.fixture
def clip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """clip.mp4: nine frames that get brighter."""
    monkeypatch.chdir(tmp_path)
    with av.open("clip.mp4", "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height = 64, 48
        for index in range(9):
            pixels = np.full((48, 64, 3), 20 * index, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode())
    return "clip.mp4"
