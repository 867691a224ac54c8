"""What says which release this is: code, CITATION.cff and changelog agree, and hints of installing are true."""

from __future__ import annotations

import datetime
import json
import re
import shutil
import sys
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

import veilseg
from tests.release.conftest import ROOT, tracked
from veilseg import install
from veilseg.install import install_hint


@pytest.fixture
def citation() -> dict[str, Any]:
    # Dates stay text, as the schema has them.
    loaded: dict[str, Any] = yaml.load((ROOT / "CITATION.cff").read_text(encoding="utf-8"), Loader=yaml.BaseLoader)
    return loaded


def test_the_citation_is_valid(citation: dict[str, Any]) -> None:
    """By the schema that cffconvert brings; it is not imported, since it needs old packages."""
    schema = Path(str(distribution("cffconvert").locate_file("cffconvert/schemas/1.2.0/schema.json")))
    jsonschema.validate(citation, json.loads(schema.read_text(encoding="utf-8")))


def test_versions_and_dates_agree(citation: dict[str, Any]) -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    version, day = re.findall(r"^## (\d+\.\d+\.\d+) - (\d{4}-\d\d-\d\d)$", changelog, re.MULTILINE)[0]
    assert version == veilseg.__version__ == citation["version"]
    assert day == citation["date-released"]
    assert datetime.date.fromisoformat(day) >= datetime.date(2026, 1, 1)


def test_nobody_is_told_to_install_from_an_index() -> None:
    """veilseg is on none, and the name could be a stranger's. What is missing is said by `install_hint`."""
    told = re.compile(r"pip install (-\S+ )*[\"']?veilseg\b(?!-\d)")
    for name in tracked():
        if Path(name).suffix in {".py", ".md", ".html", ".js", ".yaml", ".toml"} and not name.startswith(
            "tests/release/"
        ):
            text = (ROOT / name).read_text(encoding="utf-8")
            assert not told.search(text), f"{name} names an index"


def test_in_a_checkout_the_hint_is_the_checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: str(Path(sys.executable).with_name("pip")))
    assert install_hint("run") == f"pip install -e '{ROOT}[run]'"


@pytest.mark.parametrize(
    ("noted", "hint"),
    [
        ({"url": "https://host.example/a.whl", "archive_info": {}}, "'veilseg[run] @ https://host.example/a.whl'"),
        (
            {"url": "https://host.example/veilseg", "vcs_info": {"vcs": "git", "commit_id": "c0ffee"}},
            "'veilseg[run] @ git+https://host.example/veilseg@c0ffee'",
        ),
        (
            {"url": "file:///nowhere/a%20b/x.whl", "archive_info": {}},
            "'/nowhere/a b/x.whl[run]' (it is no longer there: name where x.whl is now)",
        ),
        ({}, "'veilseg[run]'"),
    ],
)
def test_elsewhere_it_is_what_pip_noted(
    monkeypatch: pytest.MonkeyPatch, noted: dict[str, Any], hint: str, tmp_path: Path
) -> None:
    monkeypatch.setattr(install, "__file__", str(tmp_path / "lib" / "veilseg" / "install.py"))
    monkeypatch.setattr(install, "_source", lambda: noted)
    monkeypatch.setattr(shutil, "which", lambda _: "/usr/bin/pip")
    assert install_hint("run") == f"{sys.executable} -m pip install {hint}"
