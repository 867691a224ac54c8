"""What is cited can be looked up: papers in docs/references.md, sections in a document named beside them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
KINDS = {".py", ".js", ".mjs", ".html", ".css", ".md"}
FOLDERS = [ROOT / name for name in ("src", "tests", "docs", "spec", "bench", "tools", "examples")]
SOURCES = sorted(
    path
    for path in (*ROOT.glob("*.md"), *(path for folder in FOLDERS for path in folder.rglob("*")))
    if path.suffix in KINDS and path.is_file() and path != Path(__file__)  # here are examples of what is refused
)
LISTED = (ROOT / "docs" / "references.md").read_text()
REFERENCES = set(re.findall(r"^\| (\[[^]]+\]) \|", LISTED, re.MULTILINE))

#: Names that only the authors' own notes explain; [D] beside the name or type of an array is its shape.
NOTES = re.compile(r"\[P\d\]|\[M\]|(?<!bias )(?<!float32 )(?<!float64 )\[D\]")
PAPER = re.compile(r"\[[A-Z][\w-]+(?: et al\.)? (?:19|20)\d\d\]")
SECTION = re.compile(
    r"(?P<before>\S* ?\S* )?\b[Ss]ections? (?P<first>\d+(?:\.\d+)*)(?: and (?P<second>\d+(?:\.\d+)*))?"
)
DOCUMENT = re.compile(r"(?P<path>[\w./-]+\.md)\)?,? $")


def problems(text: str, document: Path | None = None) -> Iterator[str]:
    """What a reader of this text could not look up; a document names its own sections by number alone."""
    text = re.sub(r"\s+(?:(?:#:?|//|\*)\s+)?", " ", text)  # comments and docstrings are wrapped
    for found in NOTES.findall(text):
        yield f"{found} is in no document"
    for found in PAPER.findall(text):
        if found not in REFERENCES:
            yield f"{found} is not in docs/references.md"
    for found in re.findall(r"arXiv \d{4}\.\d+", text):
        if document is None or found not in LISTED:
            yield f"{found}: papers are cited as in docs/references.md"
    for match in SECTION.finditer(text):
        named = DOCUMENT.search(match["before"] or "")
        path = ROOT / named["path"] if named else document
        if path is None:
            yield f"no document beside {match[0]!r}"
            continue
        headings = re.findall(r"^#+ (\d+(?:\.\d+)*)", path.read_text(), re.MULTILINE) if path.is_file() else []
        for number in (match["first"], match["second"]):
            if number is not None and number not in headings:
                yield f"{path.name} has no section {number}"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_citations(path: Path) -> None:
    document = path if path.suffix == ".md" else None
    assert list(problems(path.read_text(encoding="utf-8"), document)) == []


@pytest.mark.parametrize(
    "text",
    [
        "the cipher of [P1]",
        "nobody has published it [D].",
        "see [Nobody 2020]",
        "see arXiv 2604.16523",
        "as section 5 says",
        "(methods of\n    section 2.1)",
        "spec/veil-3.md, section 44",
        "docs/none.md, section 1",
    ],
)
def test_what_cannot_be_looked_up_is_found(text: str) -> None:
    assert len(list(problems(text))) == 1


@pytest.mark.parametrize(
    "text",
    [
        "the cipher of [Hirose 2026]",
        "spec/veil-3.md, section 4.1, fixes every byte",
        "// See spec/veil-3.md, sections\n// 3 and 4.",
        "the bias [D] and the weight float32 [D, L]",
        "a section of the road",
    ],
)
def test_what_can_be_looked_up_is_left_alone(text: str) -> None:
    assert list(problems(text)) == []
