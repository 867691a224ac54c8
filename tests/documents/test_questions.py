"""A stranger's questions: the answer is at most two links from the site's first page."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.documents.pages import is_foreign, read, target

#: (question, page, anchor, what the answer says there).
QUESTIONS = (
    ("How do I see it work?", "docs/start.html", "encrypt-look-segment", "veilseg encrypt photo.jpg"),
    (
        "How do I use my own labelled pictures?",
        "docs/own-data.html",
        "from-masks-to-a-served-model",
        "veilseg data import",
    ),
    ("How do I choose how much is hidden?", "docs/settings.html", "choosing-a-setting", "--sub-block"),
    ("How do I get the photograph back?", "docs/settings.html", "what-else-decides", "subblock-shuffle with a key"),
    ("How do I make a key, and encrypt a model?", "docs/start.html", "with-a-key", "veilseg keygen"),
    (
        "How do I let other machines use my service?",
        "docs/operations.html",
        "for-other-machines-tokens-and-tls",
        "veilseg token add",
    ),
    ("How do I run it in a container?", "docs/operations.html", "container", "podman build"),
    ("What can an attacker read?", "docs/threat-model.html", "writing-what-a-trained-reader-reads", "trains a reader"),
    ("How do I attack my own pictures?", "docs/settings.html", "what-else-decides", "veilseg audit --images"),
    ("How do I write a client in another language?", "spec/veil-3.html", "8-the-file", "IHDR"),
)


@pytest.fixture(scope="module")
def clicks(site: Path) -> dict[Path, int]:
    """How many links every page is away from the first one, up to two."""
    found = {site / "index.html": 0}
    for distance in (1, 2):
        for page in [page for page in found if found[page] == distance - 1 and page.suffix == ".html"]:
            for link in read(page).links:
                if not is_foreign(link):
                    found.setdefault(target(page, link)[0], distance)
    return found


@pytest.mark.parametrize(("question", "page", "anchor", "words"), QUESTIONS, ids=[one[0] for one in QUESTIONS])
def test_answered_within_two_clicks(
    site: Path, clicks: dict[Path, int], question: str, page: str, anchor: str, words: str
) -> None:
    assert clicks[site / page] <= 2
    assert words in " ".join(read(site / page).texts[anchor].split())
