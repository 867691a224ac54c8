"""A camera that stands: frames are encrypted here, sent when something moves, and their maps are counted.

    pip install -e '.[video]'
    python examples/camera/camera.py /dev/video0 http://127.0.0.1:8000

A video file stands in for the camera where there is none. The service never gets a frame in which nothing moved: many
frames of one scene show more than one does (docs/video.md).
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

import av
import numpy as np

import veilseg
from veilseg.steady import Steady, changed


def frames(source: str) -> Iterator[np.ndarray]:
    """The frames of a video or a camera, uint8 RGB [H, W, 3]."""
    with av.open(source) as video:
        for frame in video.decode(video=0):
            yield frame.to_ndarray(format="rgb24")


def watch(source: str, client: veilseg.Client) -> int:
    """Print for every frame that is sent how much of it each class covers; how many were sent."""
    steady, last, sent = Steady(), None, 0
    for number, frame in enumerate(frames(source)):
        still = steady.register(frame)  # laid onto the first one: a point of the scene stays in its cell
        if last is not None and not changed(last, still):
            continue
        labels = client.segment(still)  # encrypted here; uint8 [H, W]
        shares = np.bincount(labels.ravel(), minlength=len(client.model.classes)) / labels.size
        print(number, {name: f"{share:.0%}" for name, share in zip(client.model.classes, shares, strict=True) if share})
        last, sent = still, sent + 1
    return sent


if __name__ == "__main__":
    with veilseg.Client(sys.argv[2]) as service:
        watch(sys.argv[1], service)
