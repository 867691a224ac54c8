"""Frames as tasks: of a file all, of a camera the newest, and through a service in as many files."""

from __future__ import annotations

import struct
import threading
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

import veilseg
from tests.service import Service
from veilseg.batch.video import Frame, choose, frame_tasks, frames, newest
from veilseg.cli.main import main
from veilseg.data.scenes import generate_scene
from veilseg.errors import InvalidImageError, UsageError
from veilseg.runtime import Segmenter


def test_every_frame_of_a_file_is_a_task(clip: str) -> None:
    found = list(frame_tasks(clip, frames(clip), "frames/"))
    assert [task.outputs for task in found] == [(f"frames/{number:06d}.png",) for number in range(9)]
    assert [task.inputs for task in found][3] == ("clip.mp4, frame 3",)
    means = [task.read()[0].mean() for task in found]
    assert np.allclose(means, 20 * np.arange(9), atol=4)


def test_through_a_service_and_once_more(
    service: Service, model: Path, clip: str, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["segment", clip, "-o", "labels", "--server", service.url, "--in-flight", "3"]
    assert main(arguments) == 0
    assert capsys.readouterr().err.endswith("\n9 done\n")
    segmenter, cipher = Segmenter(model), veilseg.cipher("subblock-sort", sub_block=8)
    for frame in frames(clip):
        with Image.open(f"labels/{frame.number:06d}.png") as image:
            assert (np.asarray(image) == segmenter.segment(cipher.encrypt(frame.pixels))).all()
    for number in (2, 7):
        Path(f"labels/{number:06d}.png").unlink()
    Path("labels/000003.png").write_bytes(b"mine")
    assert main(arguments) == 0
    assert "\n2 done, 7 skipped" in capsys.readouterr().err
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

    def camera() -> Iterator[Frame]:
        for number in range(30):
            if number == 1:
                assert taken.wait(300)
            if number == 20:
                went_on.set()
            yield Frame(number, 0.0, np.zeros((1, 1, 3), np.uint8))
        threading.Event().wait()  # a camera has no end

    found = newest(camera())
    assert next(found).number == 0
    taken.set()
    assert went_on.wait(300)
    later = [next(found).number]
    while later[-1] < 29:
        later.append(next(found).number)
    assert later[0] >= 18, "nothing piles up"
    assert later == sorted(set(later))


def test_a_camera_that_breaks_is_reported() -> None:
    def camera() -> Iterator[Frame]:
        raise InvalidImageError("gone")
        yield

    with pytest.raises(InvalidImageError, match="gone"):
        next(newest(camera()))


def test_the_frames_of_a_camera_never_pass_for_those_of_another_time(tmp_path: Path) -> None:
    (tmp_path / "000000.png").write_bytes(b"of yesterday")
    with pytest.raises(UsageError, match="other frames"):
        frame_tasks("/dev/video0", [], str(tmp_path))
    frame_tasks("/dev/video0", [], str(tmp_path), force=True)
    frame_tasks("/dev/video0", [], str(tmp_path / "new"))


def test_frames_are_encrypted_into_a_folder(clip: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["encrypt", clip, "-o", "encrypted", "--every", "2"]) == 0
    names = [f"encrypted/{number:06d}.png" for number in (0, 2, 4, 6, 8)]
    assert [str(path) for path in sorted(Path("encrypted").iterdir())] == names
    third = list(frames(clip))[4].pixels
    assert veilseg.EncryptedImage.open(names[2]).to_bytes() == veilseg.cipher("subblock-sort").encrypt(third).to_bytes()
    assert main(["encrypt", clip, "-o", "encrypted.mp4"]) == 2
    assert "do not survive in a video" in capsys.readouterr().err
    Path("encrypted/000002.png").write_bytes(Path("encrypted/000002.png").read_bytes()[:30])
    assert main(["encrypt", clip, "-o", "encrypted"]) == 1
    assert "is no encrypted image" in capsys.readouterr().err
    assert main(["encrypt", "a.png", "-o", "b.png", "--standing"]) == 2


def test_a_video_is_turned_as_its_phone_was_held(clip: str) -> None:
    data = bytearray(Path(clip).read_bytes())
    matrix = data.index(b"tkhd") + 44
    data[matrix : matrix + 36] = struct.pack(">9i", 0, 1 << 16, 0, -1 << 16, 0, 0, 48 << 16, 0, 1 << 30)
    upright = next(frames(clip)).pixels
    Path("turned.mp4").write_bytes(data)
    turned = next(frames("turned.mp4")).pixels
    assert turned.shape == (64, 48, 3)
    assert np.array_equal(turned, np.rot90(upright, -1)), "as players turn it, clockwise"


def test_of_a_camera_that_stands_only_what_moves_is_sent() -> None:
    scene = ndimage.gaussian_filter(generate_scene(5, (160, 240)).image.astype(float), (1, 1, 0))
    rng = np.random.default_rng(0)
    given = []
    for number in range(8):
        moved = ndimage.shift(scene, (*rng.uniform(-3, 3, 2), 0), order=3, mode="mirror") if number else scene
        moved = np.clip(np.rint(moved + rng.normal(0, 2, moved.shape)), 0, 255).astype(np.uint8)
        if number >= 5:
            moved[100:130, 20 * number : 20 * number + 40] = (200, 30, 30)  # a car comes
        given.append(Frame(number, number / 10, moved))
    chosen = list(choose(given, standing=True))
    assert [frame.number for frame in chosen if frame.needed] == [0, 5, 6, 7]
    first, last = chosen[0].pixels.astype(int), chosen[4].pixels.astype(int)
    assert np.abs(first - last).mean() < 3 < np.abs(first - given[4].pixels).mean()
    assert [frame.number for frame in choose(given, every=4, standing=True) if frame.needed] == [0]


@pytest.mark.parametrize(("numbers", "needed"), [(range(0, 60, 3), 6), (range(1, 61, 5), 6), (range(20), 2)])
def test_every_tenth_also_where_numbers_are_missing(numbers: range, needed: int) -> None:
    """A slow service takes some of a camera's frames, and their numbers may miss every multiple of ten."""
    frames = [Frame(number, number / 30, np.zeros((2, 2, 3), np.uint8)) for number in numbers]
    assert sum(frame.needed for frame in choose(frames, every=10)) == needed


def test_a_standing_camera_through_the_command(service: Service, tmp_path: Path) -> None:
    """Twelve frames of a still scene that shakes: one is sent, and one file has the cells of the first."""
    scene = generate_scene(3, size=(120, 160)).image
    with av.open(str(tmp_path / "still.mkv"), "w") as container:
        stream = container.add_stream("ffv1", rate=30, width=160, height=120, pix_fmt="bgr0")
        for index in range(12):
            shaken = ndimage.shift(scene, (index % 3 / 3, index % 4 / 4, 0), mode="nearest")
            container.mux(stream.encode(av.VideoFrame.from_ndarray(shaken, format="rgb24")))
        container.mux(stream.encode())
    source = str(tmp_path / "still.mkv")
    assert main(["encrypt", source, "-o", str(tmp_path / "sent"), "--standing"]) == 0
    assert [path.name for path in (tmp_path / "sent").iterdir()] == ["000000.png"]
    arguments = ["--standing", "--server", service.url]
    assert main(["segment", source, "-o", str(tmp_path / "maps"), *arguments]) == 0
    assert [path.name for path in (tmp_path / "maps").iterdir()] == ["000000.png"]
