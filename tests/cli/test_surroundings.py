"""The command where its surroundings are odd: no stdout, no width, keys from other editors, masks of 0 and 255."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.service import PATIENCE, SOURCE
from tests.tiny_onnx import tiny_model
from veilseg.keys import Key

LONG_NAME = 80 * "\u6f22" + ".png"  # 244 of the 255 bytes that a name may have


def shell(command: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a line of bash in which `veilseg` is this checkout's."""
    line = f'veilseg() {{ "{sys.executable}" -P -m veilseg.cli.main "$@"; }}; {command}'
    given = {**os.environ, "PYTHONPATH": SOURCE, **environment}
    return subprocess.run(
        ["bash", "-c", line], cwd=folder, env=given, capture_output=True, text=True, timeout=PATIENCE, check=False
    )


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    (tmp_path / "photos").mkdir()
    pixels = np.random.default_rng(0).integers(0, 256, (64, 96, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "photos" / LONG_NAME)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    return tmp_path


@pytest.mark.parametrize("command", ["keygen", "--help", "encrypt a.png -o -", "evaluate --data scenes:1"])
def test_a_closed_stdout_is_named(command: str, photos: Path) -> None:
    done = shell(f"veilseg {command} >&-", photos)
    assert done.returncode == 1
    assert done.stderr.endswith("error: there is no stdout to write to\nhint: send it to a file, or to /dev/null\n")


def test_a_file_is_written_without_any_stream(photos: Path) -> None:
    done = shell("veilseg encrypt a.png -o b.png <&- >&- 2>&-; echo $?", photos)
    assert done.stdout == "0\n"
    assert shell("veilseg inspect b.png", photos).returncode == 0


@pytest.mark.parametrize("columns", ["0", "1", "-5", "many", "9" * 30])
def test_any_width_keeps_the_table(columns: str, photos: Path) -> None:
    done = shell("veilseg evaluate --data scenes:1", photos, COLUMNS=columns)
    assert done.returncode == 0
    assert "mIoU" in done.stdout


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_a_key_from_another_editor_is_named(encoding: str, photos: Path) -> None:
    path = photos / "my.key"
    path.write_bytes(f"{Key.generate()!s}\n".encode(encoding))
    path.chmod(0o600)
    done = shell("veilseg encrypt a.png -o b.png --cipher subblock-shuffle --key my.key", photos)
    assert done.returncode == 1
    assert "byte-order mark" in done.stderr
    assert "Traceback" not in done.stderr


def test_names_may_be_as_long_as_the_system_takes(photos: Path) -> None:
    done = shell("veilseg encrypt photos -o out && ls out", photos)
    assert done.stdout.strip() == LONG_NAME


@pytest.mark.parametrize(
    ("low", "high", "classes", "said"),
    [
        (0, 255, ["a", "b"], "warning: no label of folder/data holds b; 255 means ignored"),
        (255, 255, ["a", "b"], "error: every pixel of folder/data is ignored"),
        (0, 255, None, "error: folder/data: no label holds an id from 1 to 254"),
    ],
)
def test_masks_of_0_and_255_are_named(
    low: int, high: int, classes: list[str] | None, said: str, tmp_path: Path
) -> None:
    for name in ("images", "labels"):
        (tmp_path / "data" / name).mkdir(parents=True)
    pixels = np.random.default_rng(0).integers(0, 256, (32, 48, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "data" / "images" / "0.png")
    mask = np.full((32, 48), low, np.uint8)
    mask[:, 20:] = high
    Image.fromarray(mask).save(tmp_path / "data" / "labels" / "0.png")
    if classes:
        (tmp_path / "data" / "classes.json").write_text(json.dumps({"classes": classes}))
    tiny_model(tmp_path / "model", classes=("a", "b"))
    done = shell("veilseg evaluate --data folder:data --model model", tmp_path)
    assert said in done.stderr
    assert (done.returncode == 0) is said.startswith("warning")
