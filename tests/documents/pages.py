"""What a built page holds: its links, its anchors, what it loads, and the text below a heading."""

from __future__ import annotations

from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlsplit

LOADING = {"script": "src", "img": "src", "iframe": "src", "source": "src", "link": "href"}
HEADINGS = ("h1", "h2", "h3", "h4")


class Page(HTMLParser):
    """One page.

    Attributes:
        links: addresses of its links, as they are written.
        loads: addresses of what a browser fetches to show it.
        anchors: the ids of its elements.
        texts: {id of a heading: all text from there to the next heading}.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self.links: list[str] = []
        self.loads: list[str] = []
        self.anchors: set[str] = set()
        self.texts: dict[str, str] = {}
        self._heading = ""
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.anchors.update(found[name] for name in ("id", "name") if found.get(name))
        if tag == "a" and "href" in found:
            self.links.append(found["href"])
        if tag in LOADING and LOADING[tag] in found and found.get("rel") != "canonical":
            self.loads.append(found[LOADING[tag]])
        if tag in HEADINGS and found.get("id"):
            self._heading = found["id"]

    def handle_data(self, data: str) -> None:
        self.texts[self._heading] = self.texts.get(self._heading, "") + data


@cache
def read(path: Path) -> Page:
    """A page, read once."""
    return Page(path)


def is_foreign(address: str) -> bool:
    """Whether an address leads to another host."""
    return bool(urlsplit(address).netloc)


def target(page: Path, link: str) -> tuple[Path, str]:
    """(file, anchor) that a link of a page leads to."""
    address, anchor = urldefrag(link)
    file = (page.parent / unquote(address)).resolve() if address else page
    return (file / "index.html" if file.is_dir() else file), unquote(anchor)


def broken(page: Path) -> list[str]:
    """The links of a page that lead nowhere, and what it loads and is not there."""
    found = read(page)
    wrong = []
    for link in [*found.links, *found.loads]:
        if is_foreign(link) or link.startswith(("mailto:", "data:", "javascript:")):
            continue
        file, anchor = target(page, link)
        if not file.is_file() or (anchor and file.suffix == ".html" and anchor not in read(file).anchors):
            wrong.append(link)
    return wrong
