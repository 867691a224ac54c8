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
from veilseg.batch.video_file import VideoFile, with_maps
from veilseg.cli.main import main
from veilseg.data.scenes import generate_scene
from veilseg.errors import InvalidImageError, ServiceError, UsageError, VeilsegError
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
    assert capsys.readouterr().err == "9 done\n"
    segmenter, cipher = Segmenter(model), veilseg.cipher("subblock-sort", sub_block=8)
    for frame in frames(clip):
        with Image.open(f"labels/{frame.number:06d}.png") as image:
            assert (np.asarray(image) == segmenter.segment(cipher.encrypt(frame.pixels))).all()
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


def test_a_video_of_maps_and_one_of_overlays(
    service: Service, model: Path, clip: str, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["segment", clip, "-o", "maps.mp4", "--overlay", "seen.mkv", "--server", service.url]
    assert main([*arguments, "--every", "3"]) == 0
    assert capsys.readouterr().err == "9 frames done, of which 3 were sent\n"
    segmenter, cipher = Segmenter(model), veilseg.cipher("subblock-sort", sub_block=8)
    given, maps, seen = (list(frames(name)) for name in (clip, "maps.mp4", "seen.mkv"))
    assert np.allclose([frame.time for frame in maps], [frame.time for frame in given], atol=1e-3)
    assert len(seen) == 9
    for number in (0, 4, 8):
        labels = segmenter.segment(cipher.encrypt(given[number // 3 * 3].pixels))
        shown = segmenter.palette[labels].astype(int)
        # Of two pixels a side, codecs keep one colour.
        assert np.abs(maps[number].pixels - shown).mean() < 8
        assert np.abs(seen[number].pixels - (shown + given[number].pixels) / 2).mean() < 8
    assert main(arguments) == 0
    assert capsys.readouterr().err.startswith("skipped: maps.mp4 and seen.mkv exist")
    Path("maps.mp4").write_bytes(b"mine")
    Path("seen.mkv").unlink()
    assert main(arguments) == 1
    assert Path("maps.mp4").read_bytes() == b"mine"
    assert sorted(path.name for path in Path().iterdir()) == ["clip.mp4", "maps.mp4"]


def test_maps_and_overlays_as_folders(service: Service, clip: str) -> None:
    arguments = ["segment", clip, "-o", "maps", "--overlay", "seen", "--every", "4", "--server", service.url]
    assert main(arguments) == 0
    for folder in ("maps", "seen"):
        assert sorted(path.name for path in Path(folder).iterdir()) == ["000000.png", "000004.png", "000008.png"]


@pytest.mark.parametrize(
    ("outputs", "message"),
    [
        (["-o", "maps.mp4", "--overlay", "seen"], "both videos"),
        (["-o", "maps.avi"], "AVI is not written"),
        (["-o", "clip.mp4"], "three names"),
        (["-o", "s3://bucket/maps.mp4"], "on this machine alone"),
        (["-o", "maps", "--photo", "a.png"], "its photographs"),
    ],
)
def test_outputs_that_make_no_sense(
    service: Service, clip: str, outputs: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["segment", clip, *outputs, "--server", service.url]) == 2
    assert message in capsys.readouterr().err


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


def test_sides_that_are_odd_and_times_that_are_uneven(tmp_path: Path) -> None:
    times = [0.0, 0.04, 0.5, 0.53]
    with VideoFile(str(tmp_path / "a.mp4")) as file:
        for time in times:
            file.add(np.full((33, 47, 3), 90, np.uint8), time)
        file.finish()
    found = list(frames(str(tmp_path / "a.mp4")))
    assert np.allclose([frame.time for frame in found], times, atol=1e-3)
    assert np.abs(found[0].pixels - 90.0).max() < 6


def test_a_video_that_is_interrupted_leaves_nothing(tmp_path: Path) -> None:
    def write() -> None:
        with VideoFile(str(tmp_path / "a.mp4")) as file:
            file.add(np.zeros((32, 32, 3), np.uint8), 0.0)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write()
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(VeilsegError, match="no frames"), VideoFile(str(tmp_path / "b.mp4")) as file:
        file.finish()


def still(count: int) -> list[Frame]:
    return [Frame(number, number / 10, np.full((8, 8, 3), number, np.uint8)) for number in range(count)]


def test_maps_come_in_order_and_stand_for_frames_that_are_not_sent() -> None:
    sent: list[int] = []

    def segment(pixels: np.ndarray) -> np.ndarray:
        number = int(pixels[0, 0, 0])
        sent.append(number)
        threading.Event().wait(0.05 if number == 0 else 0)
        return pixels[..., 0]

    pairs = list(with_maps(choose(still(10), every=3), segment, in_flight=4))
    assert [frame.number for frame, _ in pairs] == list(range(10))
    assert [int(labels[0, 0]) for _, labels in pairs] == [0, 0, 0, 3, 3, 3, 6, 6, 6, 9]
    assert sorted(sent) == [0, 3, 6, 9]


def test_what_fails_ends_the_video() -> None:
    def segment(pixels: np.ndarray) -> np.ndarray:
        raise ServiceError("gone")

    with pytest.raises(ServiceError, match="gone"):
        list(with_maps(still(10), segment, in_flight=2))


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


def test_names_that_no_video_has(service: Service, clip: str, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["segment", clip, "-o", "maps.gif", "--server", service.url], ["encrypt", clip, "-o", "a.png"]):
        assert main(arguments) == 2
        assert "names a picture" in capsys.readouterr().err
    assert main(["segment", clip, "-o", "maps"]) == 2
    assert "through a service" in capsys.readouterr().err
    assert main(["encrypt", "none.mp4", "-o", "frames"]) == 1
    assert "none.mp4 does not exist" in capsys.readouterr().err


@pytest.mark.parametrize(("numbers", "needed"), [(range(0, 60, 3), 6), (range(1, 61, 5), 6), (range(20), 2)])
def test_every_tenth_also_where_numbers_are_missing(numbers: range, needed: int) -> None:
    """A slow service takes some of a camera's frames, and their numbers may miss every multiple of ten."""
    frames = [Frame(number, number / 30, np.zeros((2, 2, 3), np.uint8)) for number in numbers]
    assert sum(frame.needed for frame in choose(frames, every=10)) == needed


def test_what_cannot_be_written_is_refused_before_anything_is_sent(
    service: Service, clip: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = service.metric("veilseg_batch_images_count")
    (tmp_path / "seen.mp4").write_bytes(b"mine")
    arguments = ["segment", clip, "--server", service.url]
    maps, overlays = str(tmp_path / "maps.mp4"), str(tmp_path / "seen.mp4")
    assert main([*arguments, "-o", maps, "--overlay", overlays]) == 1
    assert "seen.mp4 exists" in capsys.readouterr().err
    assert main([*arguments, "-o", str(tmp_path / "none" / "maps.mp4")]) == 1
    assert "none" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == [clip, "seen.mp4"]
    assert service.metric("veilseg_batch_images_count") == before


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
