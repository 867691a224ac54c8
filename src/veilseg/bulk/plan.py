"""What is to do: every input with its one output, without those that are there already; and what could not be done."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath

from veilseg.bulk.places import Place
from veilseg.errors import UsageError

#: The file in the target that lists what failed, one JSON object per line; empty when nothing did.
MANIFEST = "failures.jsonl"


@dataclass(frozen=True)
class Outcome:
    """How it went with the input `name`; reason: why it has no output, None where it has one."""

    name: str
    reason: str | None = None
    hint: str | None = None


@dataclass(frozen=True)
class Plan:
    """todo: names of inputs without output; there: how many have theirs; refused: those that cannot have one."""

    todo: list[str]
    there: int
    refused: list[Outcome]


def output_name(name: str) -> str:
    """The output's name: the input's with the suffix .png."""
    return str(PurePosixPath(name).with_suffix(".png"))


def make_plan(source: Place, target: Place, *, force: bool = False) -> Plan:
    """List both places and compare. The names are held in memory (some 100 bytes each), the images never.

    What lies in the target is no input. Of inputs that differ only by suffix the first keeps the name. force: what is
    there already is done again. Raises UsageError when one place is the other, when the source lies in the target, or
    when it has no images.
    """
    if source.url == target.url:
        raise UsageError(f"the output {target.url} is also the input", "write to another folder")
    if source.url.startswith(f"{target.url}/"):
        raise UsageError(f"the input {source.url} lies in the output", "write to another folder")
    inside = f"{target.url.removeprefix(f'{source.url}/')}/"  # no name begins with it where neither holds the other
    names = [name for name in source.images() if not name.startswith(inside)]
    if not names:
        raise UsageError(f"{source.url} has no images", "folders and buckets with JPEG, PNG, WebP, BMP or TIFF files")
    existing = frozenset() if force else frozenset(target.images())
    taken: dict[str, str] = {}
    todo, there = [], 0
    refused = []
    for name in names:
        output = output_name(name)
        first = taken.setdefault(output, name)
        if first != name:
            reason = f"{first} and {name} would both become {output}"
            refused.append(Outcome(name, reason, "give them different names"))
        elif output in existing:
            there += 1
        else:
            todo.append(name)
    return Plan(todo, there, refused)


def manifest(failed: Iterable[Outcome]) -> bytes:
    """The failures as JSON lines, {"input", "reason", "hint"}, sorted by input."""
    rows = sorted(({"input": one.name, "reason": one.reason, "hint": one.hint} for one in failed), key=str)
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()
