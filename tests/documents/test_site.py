"""The built site: every link leads somewhere, nothing comes from other hosts, and the references are complete."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import pytest

import veilseg
from tests.documents.pages import Page, broken, is_foreign, read
from veilseg import models
from veilseg.cli.main import VERBS, main

#: What makes a browser fetch something, in styles and scripts.
FETCHED = re.compile(r"""(?:url\(|@import|importScripts\(|fetch\(|src=|\.src=|import\()\s*["'`]?https?://[^"'`)\s]+""")


def pages(site: Path) -> list[Path]:
    return sorted(site.rglob("*.html"))


def test_links_lead_somewhere(site: Path) -> None:
    found = {
        str(page.relative_to(site)): wrong for page in pages(site) if page.name != "404.html" if (wrong := broken(page))
    }
    assert found == {}
    assert len(pages(site)) > 30


def test_a_broken_link_is_found(tmp_path: Path) -> None:
    (tmp_path / "there.html").write_text('<h1 id="one">One</h1>')
    page = tmp_path / "page.html"
    page.write_text(
        '<a href="there.html#one">a</a> <a href="there.html#two">b</a> <a href="gone.html">c</a> <img src="no.png">'
    )
    assert broken(page) == ["there.html#two", "gone.html", "no.png"]


def test_nothing_is_loaded_from_other_hosts(site: Path) -> None:
    found = {page.name: [one for one in read(page).loads if is_foreign(one)] for page in pages(site)}
    assert {name: loads for name, loads in found.items() if loads} == {}
    own = [path for kind in ("*.css", "*.js") for path in site.rglob(kind)]
    assert own
    assert [
        (path.name, FETCHED.findall(path.read_text(encoding="utf-8")))
        for path in own
        if FETCHED.search(path.read_text(encoding="utf-8"))
    ] == []


def test_every_public_name_is_in_the_python_reference(site: Path) -> None:
    anchors = read(site / "docs" / "python.html").anchors
    names = {f"veilseg.{name}" for name in veilseg.__all__ if name != "__version__"}
    names |= {f"veilseg.models.{name}" for name in models.__all__}
    assert names - anchors == set()


def commands() -> list[str]:
    """All commands: verbs, and of those that have several every one."""
    found = []
    for verb, (module, _) in VERBS.items():
        command = import_module(module).command
        found += [verb] if callable(command) else [f"{verb} {name}" for name in command]
    return found


@pytest.mark.parametrize("command", commands())
def test_every_option_is_in_the_command_reference(site: Path, command: str, capsys: pytest.CaptureFixture[str]) -> None:
    page: Page = read(site / "docs" / "commands.html")
    assert main([*command.split(), "--help"]) == 0
    options = set(re.findall(r"^ +(?:-\w, )?(--[\w-]+)", capsys.readouterr().out, re.MULTILINE)) - {"--help"}
    section = page.texts[f"veilseg-{command.replace(' ', '-')}"]
    assert {option for option in options if option not in section} == set()
    assert options
