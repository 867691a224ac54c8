"""The commands of the README and of the pages that begin with it run as they stand.

A page's `sh` blocks run one after another in a folder with a photograph, its `python` blocks after them. `veilseg
serve` runs on a free port until the page ends, and http://127.0.0.1:8000 means it. Environments and installations are
left out: they are how the tests came to run.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.service import running
from veilseg.catalog import DEFAULT_CIPHER
from veilseg.data.scenes import generate_scene
from veilseg.runtime import Segmenter
from veilseg.spec import make_spec

ROOT = Path(__file__).parents[2]
PAGES = ("README.md", "docs/start.md")
VEILSEG = str(Path(sys.executable).with_name("veilseg"))
ADDRESS = "http://127.0.0.1:8000"
SIZE = (180, 250)
MAPS = ("labels.png", "labels2.png", "labels8.png", "served.png")


def blocks(page: str, language: str) -> list[str]:
    text = (ROOT / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def commands(page: str) -> list[list[str]]:
    """The commands of a page that are run, word by word."""
    lines = [line for block in blocks(page, "sh") for line in block.splitlines()]
    found = [shlex.split(line, comments=True) for line in lines]
    return [words for words in found if words and words[0] not in ("pip", "python3")]


def run(command: list[str], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, f"{command}: {done.stderr}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    Image.fromarray(generate_scene(11, size=SIZE).image).save(tmp_path / "photo.jpg", quality=95)
    return tmp_path


def test_what_anybody_sees_is_said_as_in_the_catalogue() -> None:
    spec = make_spec(DEFAULT_CIPHER)
    readme = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    for words in ("mosaic", f"of {spec.cell} x {spec.cell} pixels"):
        assert words in spec.visible
        assert words in readme


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES)
def test_a_page(page: str, folder: Path) -> None:
    assert commands(page)
    with ExitStack() as stack:
        address = ADDRESS
        for name, *arguments in commands(page):
            assert name == "veilseg", name
            if arguments[0] == "serve":
                address = stack.enter_context(running(folder, *arguments[1:])).url
            else:
                run([VEILSEG, *(word.replace(ADDRESS, address) for word in arguments)], folder)
    for block in blocks(page, "python"):
        run([sys.executable, "-c", block], folder)
    maps = {path.name: np.asarray(Image.open(path)) for path in folder.glob("*.png") if path.name in MAPS}
    assert {"labels.png", "served.png"} <= set(maps)
    assert all(labels.shape == SIZE for labels in maps.values())
    # A service returns what is computed here, and an encrypted model is the plain one to whoever has the key.
    assert np.array_equal(maps["labels.png"], maps["served.png"])
    if "labels2.png" in maps:
        plain = Segmenter("plain").segment(np.asarray(Image.open(folder / "photo.jpg").convert("RGB")))
        assert np.mean(maps["labels2.png"] == plain) > 0.999


def test_every_page_shows_both_ways() -> None:
    assert all(blocks(page, language) for page in PAGES for language in ("sh", "python"))
    assert sum(command[1] == "serve" for page in PAGES for command in commands(page)) == len(PAGES)
