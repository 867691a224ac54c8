"""Frames as tasks: of a file all, of a camera the newest, and through a service in as many files."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

import veilseg
from tests.service import Service
from veilseg.batch import video
from veilseg.batch.video import frame_tasks, frames, newest
from veilseg.cli.main import main
from veilseg.errors import InvalidImageError, UsageError
from veilseg.runtime import Segmenter


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


def test_every_frame_of_a_file_is_a_task(clip: str) -> None:
    found = list(frame_tasks(clip, "frames/"))
    assert [task.outputs for task in found] == [(f"frames/{number:06d}.png",) for number in range(9)]
    assert [task.inputs for task in found][3] == ("clip.mp4, frame 3",)
    means = [task.read()[0].mean() for task in found]
    assert np.allclose(means, 20 * np.arange(9), atol=4)


def test_through_a_service_and_once_more(
    service: Service, model: Path, clip: str, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["segment", clip, "-o", "labels", "--server", service.url, "--in-flight", "3"]
    assert main(arguments) == 0
    assert capsys.readouterr().err == "9 done\n"
    segmenter, cipher = Segmenter(model), veilseg.cipher("subblock-sort", sub_block=8)
    for number, frame in enumerate(frames(clip)):
        with Image.open(f"labels/{number:06d}.png") as image:
            assert (np.asarray(image) == segmenter.segment(cipher.encrypt(frame))).all()
    for number in (2, 7):
        Path(f"labels/{number:06d}.png").unlink()
    Path("labels/000003.png").write_bytes(b"mine")
    assert main(arguments) == 0
    assert capsys.readouterr().err.startswith("2 done, 7 skipped")
    assert Path("labels/000003.png").read_bytes() == b"mine"
    assert main([*arguments, "--force"]) == 0
    assert Path("labels/000003.png").read_bytes() != b"mine"


def test_what_is_no_video(service: Service, clip: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("bad.mp4").write_bytes(b"no video")
    with pytest.raises(InvalidImageError):
        list(frames("bad.mp4"))
    assert main(["segment", "bad.mp4", "-o", "labels", "--server", service.url]) == 1
    assert "bad.mp4 cannot be read as a video" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments", [["clip.mp4"], ["clip.mp4", "clip.mp4", "-o", "x"], ["clip.mp4", "a.png", "-o", "x"]]
)
def test_one_video_at_a_time(service: Service, clip: str, arguments: list[str]) -> None:
    assert main(["segment", *arguments, "--server", service.url]) == 2


def test_of_a_camera_the_newest_frame_is_taken() -> None:
    taken, went_on = threading.Event(), threading.Event()

    def camera() -> Iterator[tuple[int, np.ndarray]]:
        for number in range(30):
            if number == 1:
                assert taken.wait(300)
            if number == 20:
                went_on.set()
            yield number, np.zeros((1, 1, 3), np.uint8)
        threading.Event().wait()  # a camera has no end

    found = newest(camera())
    assert next(found)[0] == 0
    taken.set()
    assert went_on.wait(300)
    later = [next(found)[0]]
    while later[-1] < 29:
        later.append(next(found)[0])
    assert later[0] >= 18, "nothing piles up"
    assert later == sorted(set(later))


def test_a_camera_that_breaks_is_reported() -> None:
    def camera() -> Iterator[tuple[int, np.ndarray]]:
        raise InvalidImageError("gone")
        yield

    with pytest.raises(InvalidImageError, match="gone"):
        next(newest(camera()))


def test_the_frames_of_a_camera_never_pass_for_those_of_another_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(video, "frames", lambda _: iter([np.zeros((4, 6, 3), np.uint8)]))
    (tmp_path / "000000.png").write_bytes(b"of yesterday")
    with pytest.raises(UsageError, match="other frames"):
        frame_tasks("/dev/video0", str(tmp_path))
    frame_tasks("/dev/video0", str(tmp_path), force=True)
    frame_tasks("/dev/video0", str(tmp_path / "new"))
