"""Which frames of a video are sent: of a file all, of a camera the newest, and never more at a time than was said."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from veilseg.client import video


class Client:
    """Answers with the frame's own values once `open` is set; counts what is on its way."""

    def __init__(self) -> None:
        self.open, self.answered = threading.Event(), threading.Event()
        self.now = self.most = 0

    async def segment(self, image: np.ndarray) -> np.ndarray:
        self.now += 1
        self.most = max(self.most, self.now)
        while not self.open.is_set():
            await asyncio.sleep(0.001)
        await asyncio.sleep(0)
        self.now -= 1
        self.answered.set()
        return image[:, :, 0]


def numbers(client: Any, source: str, in_flight: int) -> list[int]:
    """The frames that came back, in their order; each must have its own label map."""

    async def run() -> list[int]:
        found = []
        async for frame in video.segment_video(client, source, in_flight=in_flight):
            assert (frame.labels == frame.number).all()
            found.append(frame.number)
        return found

    return asyncio.run(run())


def frame(number: int) -> np.ndarray:
    return np.full((4, 6, 3), number, np.uint8)


def test_of_a_file_every_frame_is_sent_with_few_on_their_way(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client()

    def file(_: str) -> Iterator[np.ndarray]:
        for number in range(20):
            if number == 3:
                client.open.set()
            yield frame(number)

    monkeypatch.setattr(video, "frames", file)
    assert numbers(client, "clip.mp4", 3) == list(range(20))
    assert client.most == 3


def test_of_a_camera_frames_are_left_out_while_enough_are_on_their_way(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client()

    def camera(_: str) -> Iterator[np.ndarray]:
        for number in range(30):
            if number == 20:
                client.open.set()
                assert client.answered.wait(300)
            yield frame(number)

    monkeypatch.setattr(video, "frames", camera)
    found = numbers(client, "/dev/video0", 2)
    assert found[:2] == [0, 1]
    assert found[2] >= 20
    assert found == sorted(found)
    assert client.most == 2
