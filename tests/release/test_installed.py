"""The wheel in a clean environment, as a person installs it: nothing of the checkout is near."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import veilseg
from veilseg.data.scenes import generate_scene

pytestmark = pytest.mark.slow


class Environment:
    """A virtual environment that is switched on, and an empty folder to work in."""

    def __init__(self, folder: Path) -> None:
        self.bin, self.folder = folder / "venv" / "bin", folder / "work"
        self.folder.mkdir()
        subprocess.run([sys.executable, "-m", "venv", str(folder / "venv")], check=True, timeout=300)

    def run(self, command: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        """A line of shell, which must end with `code`."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VEILSEG"))}
        environment = {**kept, "PATH": f"{self.bin}:/usr/bin:/bin", "VIRTUAL_ENV": str(self.bin.parent)}
        done = subprocess.run(
            command, shell=True, cwd=self.folder, env=environment, capture_output=True, text=True, timeout=600
        )
        assert done.returncode == code, f"{command}: {done.stdout}{done.stderr}"
        return done

    def packages(self) -> set[str]:
        return {each["name"] for each in json.loads(self.run("pip list --format json").stdout)}


@pytest.fixture(scope="module")
def clean(dist: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """The wheel without any extra, and a photograph."""
    made = Environment(tmp_path_factory.mktemp("clean"))
    made.run(f"pip install -q {dist[0]}")
    Image.fromarray(generate_scene(11, size=(180, 250)).image).save(made.folder / "photo.jpg", quality=95)
    return made


def test_the_client_works_without_extras(clean: Environment) -> None:
    assert clean.run("veilseg --version").stdout == f"veilseg {veilseg.__version__}\n"
    clean.run("veilseg encrypt photo.jpg -o sent.png")
    assert "subblock-sort" in clean.run("veilseg inspect sent.png").stdout
    assert clean.run("python -c 'import veilseg; print(veilseg.__file__)'").stdout.startswith(str(clean.bin.parent))


def test_the_hint_installs_what_was_missing(clean: Environment) -> None:
    """Pasted into the shell as it stands."""
    clean.run("veilseg encrypt photo.jpg -o sent.png --force")
    error, hint = clean.run("veilseg segment sent.png -o labels.png", code=1).stderr.splitlines()
    assert error == "error: running a model needs ONNX Runtime"
    command = hint.removeprefix("hint: ")
    assert re.match(r"pip install '/.*\.whl\[run\]'$", command)
    clean.run(command)
    clean.run("veilseg segment sent.png -o labels.png --overlay seen.png --photo photo.jpg")
    with Image.open(clean.folder / "labels.png") as labels:
        assert labels.size == (250, 180)
        assert len(np.unique(np.asarray(labels))) > 2
    clean.run("veilseg demo -o demo --scenes 1")
    assert (clean.folder / "demo" / "index.html").is_file()
    assert not clean.packages() & {"torch", "timm", "lightning", "onnx"}
