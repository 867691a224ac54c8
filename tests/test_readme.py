"""The README's Python and shell blocks run as they stand."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import veilseg
from tests.service import running
from veilseg.catalog import DEFAULT_CIPHER
from veilseg.data.scenes import generate_scene
from veilseg.runtime import Segmenter
from veilseg.spec import make_spec

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
VEILSEG = Path(sys.executable).with_name("veilseg")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    Image.fromarray(generate_scene(11, size=(180, 250)).image).save(tmp_path / "photo.jpg", quality=95)
    return tmp_path


def test_what_anybody_sees_is_said_as_in_the_catalogue() -> None:
    spec = make_spec(DEFAULT_CIPHER)
    for words in ("mosaic", f"of {spec.cell} x {spec.cell} pixels"):
        assert words in spec.visible
        assert words in " ".join(README.split())


def test_python(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    assert blocks("python")
    for block in blocks("python"):
        exec(compile(block, "README.md", "exec"), {})
    assert (folder / "sent.png").is_file()


@pytest.mark.slow
def test_shell(folder: Path) -> None:
    (block,) = blocks("sh")
    for line in block.splitlines():
        command = line.partition(" #")[0].strip()
        if command.startswith("pip install"):
            continue  # that is how this test came to run
        assert command.startswith("veilseg "), command
        done = subprocess.run(
            [str(VEILSEG), *command.split()[1:]], cwd=folder, capture_output=True, text=True, timeout=300, check=False
        )
        assert done.returncode == 0, f"{command}: {done.stderr}"
    labels = [np.asarray(Image.open(folder / name)) for name in ("labels.png", "labels2.png")]
    assert all(label.shape == (180, 250) for label in labels)
    # The encrypted model is the plain one to whoever has the key.
    plain = Segmenter("plain").segment(np.asarray(Image.open(folder / "photo.jpg").convert("RGB")))
    assert np.mean(labels[1] == plain) > 0.999


@pytest.mark.slow
def test_client_and_cloud(folder: Path) -> None:
    """The two commands below "Client and cloud": the first as it stands but for the port, the second at its address."""
    part = README.split("Client and cloud", 1)[1].split("### ", 1)[0]
    serve, segment = (line.partition(" #")[0].split() for line in part.splitlines() if line.startswith("    veilseg "))
    assert serve == ["veilseg", "serve"]
    with running(folder) as service:
        arguments = [word.replace("http://127.0.0.1:8000", service.url) for word in segment[1:]]
        done = subprocess.run(
            [str(VEILSEG), *arguments], cwd=folder, capture_output=True, text=True, timeout=300, check=False
        )
        assert done.returncode == 0, done.stderr
        with veilseg.Client(service.url) as client:
            labels = client.segment(Image.open(folder / "photo.jpg"))
    assert np.array_equal(np.asarray(Image.open(folder / "labels.png")), labels)
    assert (folder / "seen.png").is_file()
