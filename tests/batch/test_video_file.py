"""Videos out: maps and overlays as videos again, whole or not at all."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

import veilseg
from tests.service import Service
from veilseg.batch.video import Frame, choose, frames
from veilseg.batch.video_file import VideoFile, with_maps
from veilseg.cli.main import main
from veilseg.errors import ServiceError, VeilsegError
from veilseg.runtime import Segmenter


def test_a_video_of_maps_and_one_of_overlays(
    service: Service, model: Path, clip: str, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["segment", clip, "-o", "maps.mp4", "--overlay", "seen.mkv", "--server", service.url]
    assert main([*arguments, "--every", "3"]) == 0
    assert capsys.readouterr().err.endswith("\n9 frames done, of which 3 were sent\n")
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
    assert "\nskipped: maps.mp4 and seen.mkv exist" in capsys.readouterr().err
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


def test_names_that_no_video_has(service: Service, clip: str, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["segment", clip, "-o", "maps.gif", "--server", service.url], ["encrypt", clip, "-o", "a.png"]):
        assert main(arguments) == 2
        assert "names a picture" in capsys.readouterr().err
    assert main(["segment", clip, "-o", "maps"]) == 2
    assert "through a service" in capsys.readouterr().err
    assert main(["encrypt", "none.mp4", "-o", "frames"]) == 1
    assert "none.mp4 does not exist" in capsys.readouterr().err


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
