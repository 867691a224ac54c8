"""What is published: the wheel and the source distribution hold what they should, and can be made again to the byte."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import time
import zipfile
from collections.abc import Iterator
from email.parser import Parser
from pathlib import Path

import pytest

import veilseg
from tests.release.conftest import ROOT, build, tracked

pytestmark = pytest.mark.slow


def contents(archive: Path) -> Iterator[tuple[str, bytes]]:
    """Every file of a wheel or of a source distribution, by its name in there."""
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            yield from ((name, wheel.read(name)) for name in wheel.namelist())
        return
    with tarfile.open(archive) as sdist:
        for member in sdist.getmembers():
            file = sdist.extractfile(member)
            assert file is not None, f"{member.name} is no plain file"
            yield member.name.partition("/")[2], file.read()


def test_they_hold_the_repository_and_nothing_else(dist: tuple[Path, Path]) -> None:
    wheel, sdist = ({name for name, _ in contents(archive)} for archive in dist)
    assert sdist - {"PKG-INFO"} == set(tracked())
    package = {name.removeprefix("src/") for name in tracked() if name.startswith("src/")}
    package |= {f"veilseg/{name}" for name in tracked() if name.startswith("recipes/")}
    told = {name for name in wheel if ".dist-info/" in name}
    assert wheel - told == package
    assert {Path(name).name for name in told} >= {"METADATA", "LICENSE", "NOTICE", "entry_points.txt"}


def test_no_photograph_and_no_foreign_weights_are_in_them(dist: tuple[Path, Path], camvid: Path, dinov2: Path) -> None:
    foreign = [*camvid.rglob("*"), *dinov2.parent.rglob("*")]
    known = {hashlib.sha256(path.read_bytes()).digest() for path in foreign if path.is_file() and path.stat().st_size}
    assert len(known) > 100
    for archive in dist:
        assert not [name for name, data in contents(archive) if hashlib.sha256(data).digest() in known]


def test_a_second_build_elsewhere_is_equal_to_the_byte(dist: tuple[Path, Path], tmp_path: Path) -> None:
    """Another folder, other times and other permissions of the files."""
    for name in tracked():
        copy = tmp_path / "elsewhere" / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, copy)
        copy.chmod(0o700 if os.access(ROOT / name, os.X_OK) else 0o600)
        os.utime(copy, (time.time(), 1_000_000_000))
    for first, second in zip(dist, build(tmp_path / "elsewhere", tmp_path / "dist"), strict=True):
        assert first.name == second.name
        assert first.read_bytes() == second.read_bytes(), f"{first.name} differs"


def test_metadata_are_complete_and_point_nowhere_that_does_not_exist(dist: tuple[Path, Path]) -> None:
    (text,) = (data.decode() for name, data in contents(dist[0]) if name.endswith("/METADATA"))
    told = Parser().parsestr(text)
    assert told["Version"] == veilseg.__version__
    assert told["License-Expression"] == "Apache-2.0"
    assert set(told.get_all("License-File", [])) == {"LICENSE", "NOTICE"}
    assert told["Author"]
    assert {"Typing :: Typed", "Programming Language :: Python :: 3.11"} <= set(told.get_all("Classifier", []))
    assert told["Description-Content-Type"] == "text/markdown"
    assert told.get_all("Project-URL") is None  # whoever publishes knows where


def test_sizes_are_as_the_document_says_and_an_index_takes_them(dist: tuple[Path, Path]) -> None:
    document = (ROOT / "docs" / "release.md").read_text(encoding="utf-8")
    for archive, kind in zip(dist, ("wheel", "source distribution"), strict=True):
        (said,) = re.findall(rf"\| {kind} \| (\d+) MiB \|", document)
        size = archive.stat().st_size / 2**20
        assert size == pytest.approx(float(said), rel=0.05), f"{kind}: {size:.1f} MiB"
        assert size < 95  # PyPI takes files of up to 100 MB


def test_the_list_of_what_is_installed_names_versions_and_licences_and_no_place() -> None:
    command = ["make", "-o", ".venv/.dev", "sbom", f"BIN={Path(sys.executable).parent}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stderr
    text = (ROOT / "dist" / "veilseg.cdx.json").read_text(encoding="utf-8")
    assert str(ROOT) not in text
    told = json.loads(text)
    assert (told["bomFormat"], told["metadata"]["component"]["name"]) == ("CycloneDX", "veilseg")
    found = {each["name"]: each for each in told["components"]}
    assert found.keys() >= {"numpy", "onnxruntime", "fastapi"}
    assert not found.keys() & {"torch", "pip"}
    assert all(each["version"] for each in found.values())
    unlicensed = [name for name, each in found.items() if not each.get("licenses")]
    assert len(unlicensed) < 0.1 * len(found), unlicensed
