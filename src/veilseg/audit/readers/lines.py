"""A line of writing: what it says, and where its characters are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from veilseg.data.base import Box

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
"""What a reader tells apart; small letters count as capitals."""

LETTER, DIGIT, ANY = "L", "D", "?"
"""A format says of every character what it may be, as "LLDDLLL" of a British plate."""


@dataclass(frozen=True)
class Line:
    """One line of writing in a picture; spaces and everything else that is not in ALPHABET is left out.

    Attributes:
        text: in capitals.
        centres: float64 [n, 2], x and y of every character's middle in pixels; pixel i covers i to i + 1.
        height: of a capital, in pixels.
        format: a character of LETTER, DIGIT or ANY for each; what somebody knows who knows the country.
    """

    text: str
    centres: NDArray[np.float64]
    height: float
    format: str

    @property
    def pitch(self) -> float:
        """Pixels from one character's middle to the next, on average; the height's two thirds of a single one."""
        if len(self.text) < 2:
            return self.height * 2 / 3
        return float(np.linalg.norm(np.diff(self.centres, axis=0), axis=1).mean())


def readable(text: str) -> str:
    """`text` in capitals, without whatever no reader tells apart."""
    return "".join(one for one in text.upper() if one in ALPHABET)


def line_in_box(text: str, box: Box, height: float | None = None, form: str | None = None) -> Line:
    """A line whose characters, spaces included, have equal places in an upright box; None: the box is as high as they.

    Raises ValueError for a text without a readable character.
    """
    left, top, right, bottom = box
    places = [index for index, one in enumerate(text.upper()) if one in ALPHABET]
    if not places:
        raise ValueError("there is nothing to read in this text")
    x = left + (np.array(places) + 0.5) * (right - left) / len(text)
    said = readable(text)
    return Line(
        said,
        np.stack([x, np.full(len(x), (top + bottom) / 2)], axis=1),
        float(bottom - top) if height is None else height,
        ANY * len(said) if form is None else form,
    )


def allowed(form: str) -> NDArray[np.bool_]:
    """Which characters a format leaves: bool [n, 36]."""
    sets = {LETTER: str.isalpha, DIGIT: str.isdigit, ANY: str.isalnum}
    return np.array([[sets[place](one) for one in ALPHABET] for place in form])


def classes(text: str) -> NDArray[np.int64]:
    """Places in ALPHABET, int64 [n]."""
    return np.array([ALPHABET.index(one) for one in text], np.int64)


def even(line: Line) -> Line:
    """The line with equal distances between its characters: what is known of them from a box alone."""
    first, last = line.centres[0], line.centres[-1]
    share = np.linspace(0, 1, len(line.text))[:, None]
    return Line(line.text, first + share * (last - first), line.height, line.format)


def letters_and_digits(text: str) -> str:
    """The format of a text whose kinds of characters are known."""
    return "".join(DIGIT if one.isdigit() else LETTER for one in text)


def by_height(lines: Sequence[Line], side: int) -> NDArray[np.float64]:
    """Letter heights in cells of `side` pixels, float64 [lines]."""
    return np.array([line.height / side for line in lines])
