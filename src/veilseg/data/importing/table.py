"""Tables of classes: names, ids and colours, in the forms in which they come with masks."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from veilseg.data.importing.source import Colour, SourceClass
from veilseg.errors import UsageError, VeilsegError
from veilseg.files import read_limited
from veilseg.modelconfig import is_colour

MAX_TABLE = 1 << 20
_HINT = 'one class a line, "road,128,64,128"; or classes.json, {"classes": ["road"], "palette": [[128, 64, 128]]}'
_HEADER = frozenset(
    {"id", "index", "value", "name", "class", "label", "title", "r", "g", "b", "red", "green", "blue", "color"}
    | {"colour", "hex", "rgb", "color_rgb", "parts", "actions"}
)
_IDS = frozenset({"id", "index", "value"})
_NUMBERS = re.compile(r"[0-9 ]+")
_HEX = re.compile(r"#([0-9a-fA-F]{2})([0-9a-fA-F]{2})([0-9a-fA-F]{2})")


def read_table(path: Path) -> list[SourceClass]:
    """The classes of a table file.

    Text has one class a line: a name, a colour as three numbers or #rrggbb, an id, in any order that tells them apart
    (name,r,g,b; r g b name; CVAT's name:r,g,b::; id,name); ids are line numbers from 0 where none are given. JSON is a
    classes.json of ours, a list of names, {"name": [r, g, b]} or {"id": "name"}. Raises UsageError for anything else.
    """
    try:
        text = read_limited(path, MAX_TABLE).decode("utf-8-sig")
    except VeilsegError as error:
        raise UsageError(f"the table of classes: {error.message}", error.hint) from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is no text", _HINT) from error
    classes = _from_json(text, path) if path.suffix.lower() == ".json" else _from_lines(text, path)
    if not classes:
        raise UsageError(f"{path} lists no classes", _HINT)
    taken: dict[Colour, str] = {}
    for _, name, colour in classes:
        if colour is not None and taken.setdefault(colour, name) != name:
            raise UsageError(f"{path} gives {name} and {taken[colour]} one colour, {hex_of(colour)}", "colours differ")
    ids = [entry.id for entry in classes]
    if len(set(ids)) < len(ids):
        raise UsageError(f"{path} gives two classes one id", _HINT)
    return classes


def hex_of(colour: Colour) -> str:
    """A colour as #rrggbb."""
    return "#{:02x}{:02x}{:02x}".format(*colour)


def colour_of(text: str) -> Colour | None:
    """A colour from #rrggbb; None for other texts."""
    found = _HEX.fullmatch(text)
    return None if found is None else (int(found[1], 16), int(found[2], 16), int(found[3], 16))


def _from_lines(text: str, path: Path) -> list[SourceClass]:
    classes: list[SourceClass] = []
    header: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        line = line.strip()
        if not line or (line.startswith("#") and not _HEX.match(line)):
            continue
        separated = re.search(r"[,;\t:]", line)
        cells = re.split(r"[,;\t:]", line) if separated else line.split()
        cells = [cell.strip().strip("\"'") for cell in cells]
        words = [cell for cell in cells if cell]
        if not classes and {word.lower() for word in words} <= _HEADER and len(words) > 1:
            header = [cell.lower() for cell in cells]
            continue
        if _IDS.intersection(header):  # that column goes first, where four numbers begin with the id
            if len(cells) != len(header):
                raise UsageError(f"{path}, line {number} has not the columns of the first line", _HINT)
            columns = list(zip(header, cells, strict=True))
            words = [word for ids in (True, False) for name, word in columns if word and (name in _IDS) is ids]
        words = [part for word in words for part in (word.split() if _NUMBERS.fullmatch(word) else [word])]
        classes.append(_from_words(words, len(classes), f"{path}, line {number}"))
    return classes


def _from_words(words: list[str], place: int, where: str) -> SourceClass:
    """Numbers before and after a name: three are a colour, one is an id, four are both."""
    colours = [colour for word in words if (colour := colour_of(word)) is not None]
    words = [word for word in words if colour_of(word) is None]
    first = next((index for index, word in enumerate(words) if not word.isdecimal()), len(words))
    last = len(words) - next((index for index, word in enumerate(reversed(words)) if not word.isdecimal()), 0)
    name = " ".join(words[first:last])
    before, after = [int(word) for word in words[:first]], [int(word) for word in words[last:]]
    id_ = place
    if len(before) in (1, 4):
        id_ = before.pop(0)
    elif not before and len(after) in (1, 4):
        id_ = after.pop()
    numbers = before + after
    colours += [(numbers[0], numbers[1], numbers[2])] if len(numbers) == 3 else []
    if not name or len(colours) > 1 or len(numbers) not in (0, 3) or max(numbers, default=0) > 255:
        raise UsageError(f"{where} is no class", _HINT)
    return SourceClass(id_, name, colours[0] if colours else None)


def _from_json(text: str, path: Path) -> list[SourceClass]:
    try:
        content: Any = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path} is not JSON", _HINT) from error
    colours: list[Any] = []
    if isinstance(content, dict) and isinstance(content.get("classes"), list):
        colours = content.get("palette") or []
        content = content["classes"]
    if isinstance(content, list):
        names, ids = content, list(range(len(content)))
    elif isinstance(content, dict) and all(
        isinstance(value, str) and key.isdecimal() for key, value in content.items()
    ):
        names, ids = list(content.values()), [int(key) for key in content]
    elif isinstance(content, dict):
        names, ids, colours = list(content), list(range(len(content))), list(content.values())
    else:
        raise UsageError(f"{path} lists no classes", _HINT)
    if not all(isinstance(name, str) and name for name in names):
        raise UsageError(f"{path} has names that are no text", _HINT)
    if colours and (len(colours) != len(names) or not all(map(is_colour, colours))):
        raise UsageError(f"{path} has no colour [r, g, b] of 0..255 for every class", _HINT)
    rows = colours or [None] * len(names)
    return [
        SourceClass(id_, name, None if row is None else (row[0], row[1], row[2]))
        for id_, name, row in zip(ids, names, rows, strict=True)
    ]
