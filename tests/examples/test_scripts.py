"""The notebook, the network of transformers and the camera, run as a reader would run them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from tests.service import SOURCE, running
from tests.tiny_onnx import CANONICAL, tiny_model
from veilseg.batch.video_file import VideoFile
from veilseg.data.scenes import generate_scene

EXAMPLES = Path(__file__).parents[2] / "examples"
ENVIRONMENT = {**os.environ, "PYTHONPATH": SOURCE}


def run(folder: Path, *arguments: str) -> str:
    """What a program of Python prints that runs in a folder, and must succeed."""
    command = [sys.executable, *arguments]
    done = subprocess.run(command, cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_the_notebook(tmp_path: Path) -> None:
    source = EXAMPLES / "notebook" / "own-photographs.ipynb"
    cells = json.loads(source.read_text())["cells"]
    assert all(cell.get("outputs", []) == [] for cell in cells), "committed without outputs"
    copy = tmp_path / source.name
    shutil.copyfile(source, copy)
    run(tmp_path, "-m", "jupyter", "execute", "--inplace", "--timeout=300", str(copy))
    done = [cell for cell in json.loads(copy.read_text())["cells"] if cell["cell_type"] == "code"]
    assert all(cell["execution_count"] for cell in done)
    pictures = [out for cell in done for out in cell["outputs"] if "image/png" in out.get("data", {})]
    assert len(pictures) == 4
    printed = "".join("".join(out.get("text", "")) for cell in done for out in cell["outputs"])
    assert "12: as `plain` at" in printed


@pytest.mark.slow
def test_the_network_of_transformers(tmp_path: Path) -> None:
    Image.fromarray(generate_scene(3, size=(90, 120)).image).save(tmp_path / "photo.jpg")
    printed = run(tmp_path, str(EXAMPLES / "huggingface" / "encrypted_beit.py"), "photo.jpg")
    assert "an image of another key is refused" in printed
    share = float(printed.rpartition(":")[2].split()[0])
    assert share > 99.5
    assert len([line for line in printed.splitlines() if line.startswith("{")]) == 1


def test_the_camera_sends_what_moves(tmp_path: Path) -> None:
    """Ten frames of a still scene, then ten in which something stands that was not there."""
    still = generate_scene(5, size=(96, 144)).image
    moved = still.copy()
    moved[40:80, 50:100] = (220, 30, 30)
    with VideoFile(str(tmp_path / "clip.mp4")) as video:
        for number, frame in enumerate([*[still] * 10, *[moved] * 10]):
            video.add(frame, number / 10)
        video.finish()
    model = tiny_model(tmp_path / "tiny", CANONICAL)
    with running(tmp_path, str(model)) as service:
        printed = run(tmp_path, str(EXAMPLES / "camera" / "camera.py"), "clip.mp4", service.url)
        assert service.metric("veilseg_requests_total") > 0
    sent = [int(line.split()[0]) for line in printed.splitlines()]
    assert sent[0] == 0
    assert any(number >= 10 for number in sent)
    assert len(sent) < 10
