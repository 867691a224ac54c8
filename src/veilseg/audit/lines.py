"""A line of writing: where its characters are, which a reader is given, and what it says, which it is not."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from veilseg.data.base import Box

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
"""What a reader tells apart; small letters count as capitals."""

KINDS_OF_CHARACTER = {"L": str.isalpha, "D": str.isdigit, "?": str.isalnum}
"""A format says of every character what it may be: a letter, a digit, or any, as "LLDDLLL" of a British plate."""


SLANTED = 0.8
"""The height of a plate's letters in that of its upright box, which its slant makes higher: as in generated scenes."""


@dataclass(frozen=True)
class CharacterPositions:
    """Where a line's characters are in a picture.

    Attributes:
        centres: float64 [n, 2], x and y of every character's middle in pixels; pixel i covers i to i + 1.
        height: of a capital, in pixels.
    """

    centres: NDArray[np.float64]
    height: float

    @property
    def pitch(self) -> float:
        """Pixels from one character's middle to the next, on average; two thirds of the height for a single one."""
        if len(self.centres) < 2:
            return self.height * 2 / 3
        return float(np.linalg.norm(np.diff(self.centres, axis=0), axis=1).mean())

    @property
    def even(self) -> CharacterPositions:
        """With equal distances between the characters: what is known from the line's ends alone."""
        share = np.linspace(0, 1, len(self.centres))[:, None]
        return replace(self, centres=self.centres[0] + share * (self.centres[-1] - self.centres[0]))

    def moved(self, x: float, y: float) -> CharacterPositions:
        """So many pixels to the right and down."""
        return replace(self, centres=self.centres + np.array([x, y]))


@dataclass(frozen=True)
class Line:
    """One line: its readable characters in capitals, what somebody knows of each, and where they are."""

    text: str
    form: str
    place: CharacterPositions


def readable(text: str) -> str:
    """`text` in capitals, without whatever no reader tells apart."""
    return "".join(one for one in text.upper() if one in ALPHABET)


def line_between(text: str, start: tuple[float, float], end: tuple[float, float], height: float) -> Line | None:
    """A line of equally wide characters, spaces included, between two points; None where nothing in it is readable."""
    places = [index for index, one in enumerate(text.upper()) if one in ALPHABET]
    if not places:
        return None
    share = ((np.array(places) + 0.5) / len(text))[:, None]
    centres = np.array(start) + share * (np.array(end) - np.array(start))
    said = readable(text)
    return Line(said, "?" * len(said), CharacterPositions(centres, height))


def plate_in_box(text: str, box: Box) -> Line | None:
    """A number plate whose text fills an upright box; which characters are letters is known."""
    left, top, right, bottom = box
    middle = (top + bottom) / 2
    line = line_between(text, (left, middle), (right, middle), SLANTED * (bottom - top))
    return line and replace(line, form="".join("D" if one.isdigit() else "L" for one in line.text))


def allowed(form: str) -> NDArray[np.bool_]:
    """Which characters a format leaves: bool [n, 36]."""
    return np.array([[KINDS_OF_CHARACTER[place](one) for one in ALPHABET] for place in form])


def classes(text: str) -> NDArray[np.int64]:
    """Places in ALPHABET, int64 [n]."""
    return np.array([ALPHABET.index(one) for one in text], np.int64)
