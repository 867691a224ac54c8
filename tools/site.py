"""Collect the site's files in a folder, where the site generator reads them: python tools/site.py build/pages.

Every page keeps its path in the repository, so that links such as `../results/rows/fine.json` lead to the same file on
the site. README.md is the first page. Files that a page links to and that are no pages are copied as they are; a folder
that is linked to becomes a page that lists it; the command reference is made from the commands.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path

from command_reference import reference

ROOT = Path(__file__).parents[1]
PAGES = ("*.md", "docs/*.md", "spec/*.md", "examples/*.md")
ASSETS = ("docs/*.png", "docs/*.svg", "docs/site/*")
LISTED = (".csv", ".json", ".png", ".sh", ".yaml")
LINK = re.compile(r"\]\(([^)\s#]+)")


def collect(target: Path) -> None:
    """Write all that belongs on the site to a folder, at the paths of the repository."""
    shutil.rmtree(target, ignore_errors=True)
    for path in (path for pattern in ASSETS for path in ROOT.glob(pattern)):
        copy(path, target)
    for page in (path for pattern in PAGES for path in ROOT.glob(pattern)):
        text = page.read_text(encoding="utf-8")
        for link in LINK.findall(text):
            linked = (page.parent / link).resolve()
            if linked.is_dir():
                text = text.replace(f"]({link})", f"]({link.rstrip('/')}/README.md)")
                write(linked / "README.md", target, listing(linked, target))
            elif linked.is_file() and linked.suffix != ".md":
                copy(linked, target)
        if page.name == "commands.md":
            text = text.replace("<!-- commands -->", reference())
        write(page, target, text)


def listing(folder: Path, target: Path) -> str:
    """A page that links to every file of a folder, which is copied with it, and says which command made it."""
    own = folder / "README.md"
    if own.exists():
        return own.read_text(encoding="utf-8")
    lines = [f"# {folder.relative_to(ROOT).as_posix()}/", "", "| file | made by | at commit |", "|---|---|---|"]
    for path in sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix in LISTED):
        copy(path, target)
        content = json.loads(path.read_text(encoding="utf-8")) if path.suffix == ".json" else {}
        made = content if isinstance(content, dict) else {}
        command = f"`{made['command']}`" if made.get("command") else ""
        name = path.relative_to(folder).as_posix()
        lines.append(f"| [{name}]({name}) | {command} | {str(made.get('commit') or '')[:8]} |")
    return "\n".join(lines) + "\n"


def copy(path: Path, target: Path) -> None:
    """Copy a file of the repository."""
    place(path, target).write_bytes(path.read_bytes())


def write(path: Path, target: Path, text: str) -> None:
    """Write a page as if it were this file of the repository."""
    place(path, target).write_text(text, encoding="utf-8")


def place(path: Path, target: Path) -> Path:
    """Where a file of the repository goes; its folder is made."""
    found = target / path.relative_to(ROOT)
    found.parent.mkdir(parents=True, exist_ok=True)
    return found


if __name__ == "__main__":
    collect(Path(sys.argv[1]).resolve())
