"""What a reader read, against what is written: shares with 95 % intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from veilseg.audit.intervals import bootstrap, wilson
from veilseg.audit.lines import Line, allowed, classes
from veilseg.audit.readers.features import Floats
from veilseg.audit.readers.reader import decode

AMONG = 3
HEIGHTS = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0)
"""Letter heights in cells at which the tables are cut; the last part has no end."""


@dataclass(frozen=True)
class LineReading:
    """One line as it was read.

    Attributes:
        line: the truth.
        height: of its capitals, in cells.
        text: what the reader read, knowing the format.
        right, right_without: how many characters are right, with the format known and without.
        among: how many are among the first three, with the format known.
    """

    line: Line
    height: float
    text: str
    right: int
    right_without: int
    among: int

    @property
    def whole(self) -> bool:
        """Whether every character is right."""
        return self.right == len(self.line.text)


def score_line(scores: Floats, line: Line, side: int) -> LineReading:
    """Compare a reader's scores [n, 36] with the line, behind cells of `side` pixels."""
    truth = classes(line.text)
    known = np.where(allowed(line.form), scores, -np.inf)
    best = np.argsort(-known, axis=1, kind="stable")[:, :AMONG]
    return LineReading(
        line=line,
        height=line.place.height / side,
        text=decode(scores, line.form),
        right=int((best[:, 0] == truth).sum()),
        right_without=int((scores.argmax(axis=1) == truth).sum()),
        among=int((best == truth[:, None]).any(axis=1).sum()),
    )


def rates(lines: Sequence[LineReading]) -> dict[str, Any]:
    """Shares over some lines, rounded, for JSON.

    "characters" (format known), "characters_without_format", "among_first_three": shares with the bounds of a bootstrap
    over lines; "whole": Wilson's bounds; "guessing": what the same answers get right of other lines of the format.
    """
    counts = np.array([[len(r.line.text), r.right, r.right_without, r.among, _by_chance(r, lines)] for r in lines])
    return {
        "lines": len(lines),
        "letters": int(counts[:, 0].sum()),
        "characters": bootstrap(counts[:, [0, 1]]),
        "characters_without_format": bootstrap(counts[:, [0, 2]]),
        "among_first_three": bootstrap(counts[:, [0, 3]]),
        "whole": wilson(sum(r.whole for r in lines), len(lines)),
        "guessing": round(float(counts[:, 4].sum() / counts[:, 0].sum()), 4),
    }


def by_height(lines: Sequence[LineReading]) -> dict[str, dict[str, Any]]:
    """`rates` for every part of HEIGHTS that holds a line: {"1 to 1.5": ...}, heights in cells."""
    edges = (0.0, *HEIGHTS, np.inf)
    found = {}
    for low, high in pairwise(edges):
        inside = [line for line in lines if low <= line.height < high]
        if inside:
            found[part(low, high)] = rates(inside)
    return found


def part(low: float, high: float) -> str:
    """What a part of the heights is called."""
    if not low:
        return f"below {high:g}"
    return f"{low:g} and more" if np.isinf(high) else f"{low:g} to {high:g}"


def _by_chance(read: LineReading, lines: Sequence[LineReading]) -> float:
    """How many characters are right by chance: the mean over the other lines of its format."""
    others = [other.line.text for other in lines if other is not read and other.line.form == read.line.form]
    return float(np.mean([sum(a == b for a, b in zip(read.text, text, strict=False)) for text in others or [""]]))
