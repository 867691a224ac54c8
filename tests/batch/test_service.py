"""`veilseg segment --server`: folders, resuming, failures, video."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

import veilseg
from tests.client.impostor import give, impostor, info, labels
from tests.service import SOURCE, Service
from tests.tiny_onnx import photo
from veilseg.cli.main import main
from veilseg.client import AsyncClient
from veilseg.client.folder import Summary
from veilseg.client.video import segment_video
from veilseg.errors import InvalidImageError, ServiceError
from veilseg.images import to_png
from veilseg.runtime import Segmenter


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").mkdir()
    for index in range(6):
        (tmp_path / "photos" / f"{index}.png").write_bytes(to_png(photo(index, 40, 50)))
    return tmp_path


def read(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image)


def test_a_folder_of_photographs_with_some_that_fail(
    service: Service, model: Path, photos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (photos / "photos" / "broken.png").write_bytes(b"no picture")
    cipher = veilseg.cipher("subblock-sort", sub_block=8)
    cipher.encrypt(photo(9, 40, 50)).save(photos / "photos" / "veiled.png")
    arguments = ["segment", "photos", "-o", "labels", "--server", service.url, "--in-flight", "3"]
    assert main(arguments) == 1
    told = capsys.readouterr().err
    assert "7 written, 1 failed" in told
    assert "broken.png" in told
    segmenter = Segmenter(model)
    for index in range(6):
        expected = segmenter.segment(cipher.encrypt(photo(index, 40, 50)))
        assert (read(photos / "labels" / f"{index}.png") == expected).all()
    assert (read(photos / "labels" / "veiled.png") == segmenter.segment(photos / "photos" / "veiled.png")).all()

    (photos / "labels" / "3.png").unlink()
    (photos / "labels" / "4.png").write_bytes(b"kept")
    (photos / "photos" / "broken.png").unlink()
    assert main([*arguments, "--resume"]) == 0
    assert "1 written, 6 were there already" in capsys.readouterr().err
    assert (photos / "labels" / "4.png").read_bytes() == b"kept"
    assert main(arguments) == 1  # without --resume or --force nothing is replaced
    assert "7 x its label map exists already" in capsys.readouterr().err
    assert (photos / "labels" / "4.png").read_bytes() == b"kept"


def test_one_photograph(service: Service, photos: Path) -> None:
    assert main(["segment", "photos/0.png", "-o", "one.png", "--server", service.url, "--model", "other"]) == 0
    assert read(photos / "one.png").shape == (40, 50)


def test_a_service_that_goes_away_ends_the_run(photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def answer(handler, count: int) -> None:
        if handler.command == "GET":
            give(handler, 200, info())
        elif count < 4:
            give(handler, 200, labels(40, 50))
        else:
            give(handler, 401, b"{}")

    with impostor(answer) as (url, got):
        assert main(["segment", "photos", "-o", "labels", "--server", url, "--in-flight", "1"]) == 1
    told = capsys.readouterr().err
    assert "2 written, 1 failed, 3 not tried" in told
    assert "--resume" in told
    assert len(got) == 4


def test_an_interrupted_run_says_how_to_go_on(photos: Path) -> None:
    done = threading.Event()

    def answer(handler, count: int) -> None:
        if handler.command == "GET":
            give(handler, 200, info())
        elif count < 3:
            give(handler, 200, labels(40, 50))
        else:
            done.wait()

    with impostor(answer) as (url, got):
        command = ["segment", "photos", "-o", "labels", "--server", url, "--in-flight", "1"]
        run = subprocess.Popen(
            [sys.executable, "-P", "-m", "veilseg.cli.main", *command],
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": SOURCE},
            # Whoever runs these tests in the background may have taught them to ignore Ctrl-C.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        while len(got) < 3:
            assert run.poll() is None
            time.sleep(0.05)
        time.sleep(0.5)  # it has sent its request: now it waits for the answer
        run.send_signal(signal.SIGINT)
        _, told = run.communicate()
        done.set()
    assert run.returncode == 130, told.decode()
    assert b"--resume does the rest" in told
    assert [path.name for path in (photos / "labels").iterdir()] == ["0.png"]


def test_failures_of_one_kind_are_counted_together() -> None:
    failed = [(f"{i}.png", ServiceError(f"the service refused: no (request {i:x})")) for i in range(40)]
    lines = Summary(failed=[*failed, *((f"{i}.png", ServiceError(f"kind {i}")) for i in range(25))]).lines()
    assert lines[1] == "  40 x the service refused: no (e.g. 0.png)"
    assert lines[-1] == "  and 6 other kinds of failure"


def test_wrong_usage(service: Service, photos: Path) -> None:
    base = ["segment", "photos", "-o", "labels"]
    assert main([*base, "--resume"]) == 2
    assert main([*base, "--server", service.url, "--window", "64"]) == 2
    assert main([*base, "--server", "nonsense"]) == 2
    assert main(["segment", "a.mp4", "--server", service.url]) == 2
    assert main(["segment", "a.mp4", "-o", "labels", "--server", service.url, "--resume"]) == 2


def clip(path: Path, count: int) -> Path:
    """A video of `count` frames that get brighter."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height = 64, 48
        for index in range(count):
            pixels = np.full((48, 64, 3), 20 * index, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode())
    return path


def test_a_video_in_order_with_few_in_flight(service: Service, model: Path, photos: Path) -> None:
    path = clip(photos / "clip.mp4", 9)

    async def run() -> list:
        async with AsyncClient(service.url) as client:
            return [frame async for frame in segment_video(client, str(path), in_flight=3)]

    found = asyncio.run(run())
    assert [frame.number for frame in found] == list(range(9))
    segmenter, cipher = Segmenter(model), veilseg.cipher("subblock-sort", sub_block=8)
    for frame in found:
        assert (frame.labels == segmenter.segment(cipher.encrypt(frame.image))).all()
    assert main(["segment", "clip.mp4", "-o", "frames", "--server", service.url]) == 0
    assert len(list((photos / "frames").glob("*.png"))) == 9


def test_what_is_no_video(service: Service, photos: Path) -> None:
    (photos / "bad.mp4").write_bytes(b"no video")

    async def run() -> None:
        async with AsyncClient(service.url) as client:
            async for _ in segment_video(client, str(photos / "bad.mp4")):
                pass

    with pytest.raises(InvalidImageError):
        asyncio.run(run())
