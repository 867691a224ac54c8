"""What looks like a photograph and is none, or a folder of all kinds, in the words of a person."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from tests.test_photographs import SMOOTH, saved
from veilseg.batch import make_plan
from veilseg.cli.main import main
from veilseg.errors import InvalidImageError
from veilseg.formats import SUFFIXES
from veilseg.images import open_image


def clip(name: str, codec: str = "mpeg4") -> Path:
    with av.open(name, "w") as container:
        stream: Any = container.add_stream(codec, rate=10)
        stream.width, stream.height = 64, 80
        stream.pix_fmt = "yuv420p"
        container.mux(stream.encode(av.VideoFrame.from_ndarray(SMOOTH, format="rgb24")))
        container.mux(stream.encode())
    return Path(name)


@pytest.mark.parametrize("name", ["a.mp4", "a.mov", "a.avi", "a.mkv", "a.mpg"])
def test_a_video_is_named_with_the_way_out(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    path = clip(name, "mpeg2video" if name.endswith("mpg") else "mpeg4")
    with pytest.raises(InvalidImageError, match="this is a video") as caught:
        open_image(path)
    assert "veilseg segment clip.mp4" in (caught.value.hint or "")
    path.rename("photo.jpg")
    assert main(["encrypt", "photo.jpg", "-o", "x.png"]) == 1
    assert capsys.readouterr().err.startswith("error: this is a video, not a photograph\nhint: ")


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (saved(SMOOTH, "GIF"), "GIF"),
        (saved(SMOOTH, "JPEG2000"), "JP2"),
        (b"\xff\x0a" + bytes(40), "JXL"),
        (b"8BPS" + bytes(40), "PSD"),
        (b"\0\0\0\x18ftypcrx \0\0\0\x01crx isom" + bytes(40), "CR3"),
    ],
)
def test_other_pictures_are_called_by_their_name(data: bytes, kind: str) -> None:
    with pytest.raises(InvalidImageError, match=f"{kind} is not read") as caught:
        open_image(data)
    assert caught.value.hint


@pytest.mark.filterwarnings("default:the photograph has")
def test_a_folder_of_every_format(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kinds = {".avif": "AVIF", ".heic": "HEIF", ".jpg": "JPEG", ".png": "PNG", ".tif": "TIFF", ".webp": "WEBP"}
    folder = tmp_path / "in"
    folder.mkdir()
    for suffix, kind in kinds.items():
        (folder / f"{kind}{suffix}").write_bytes(saved(SMOOTH, kind))
    for number in range(3):
        (folder / f"deep{number}.png").write_bytes(saved(np.full((9, 9), 60000, np.uint16)))
    assert set(kinds) <= SUFFIXES
    assert len(make_plan([str(folder)], "out", verb="encrypt").tasks) == 9
    assert main(["encrypt", str(folder), "-o", str(tmp_path / "out")]) == 0
    said = capsys.readouterr().err.splitlines()
    assert said.count("warning: the photograph has 16 bits a channel, of which the upper 8 are used") == 1
    assert said[-1] == "9 done"
