"""What is written: number plates of several countries, words of signs and screens."""

from __future__ import annotations

import numpy as np

PLATES = {
    "British": "LLDD LLL",
    "German": "LL LL DDDD",
    "German, short": "L LL DDD",
    "French": "LL DDD LL",
    "American": "LLL DDDD",
    "American, digits first": "DLLL DDD",
    "Spanish": "DDDD LLL",
    "Swedish": "LLL DDD",
    "Dutch": "LL DD LL",
}
"""Formats: L a letter, D a digit."""

NO_DIGIT_LOOKS_SO = "ABCDEFGHJKLMNPRSTUVWXYZ"
"""Letters of plates: most countries leave I, O or Q out."""

WORDS = (
    "stop give way slow school street road lane avenue hospital parking exit entrance one way no entry police taxi bus "
    "station north south east west bridge tunnel city centre market hotel museum church park garden open closed sale "
    "bank post office pharmacy cafe bar restaurant private danger caution keep clear airport speed limit zone toll "
    "rue avenue place gare sortie strasse platz weg ausfahrt umleitung calle plaza salida centro via piazza uscita "
    "invoice password account name address date total amount salary contract patient report meeting confidential "
    "agenda budget draft login user email phone project schedule windows file edit view insert format tools help"
).upper().split()  # fmt: skip


def plate(rng: np.random.Generator, country: str | None = None) -> tuple[str, str]:
    """A random plate with its format: ("AB12 CDE", "LLDDLLL"); None: of any country, most often British."""
    form = PLATES[country or ("British" if rng.random() < 0.25 else str(rng.choice(list(PLATES))))]
    pick = {"L": NO_DIGIT_LOOKS_SO, "D": "0123456789"}
    text = "".join(pick[place][rng.integers(len(pick[place]))] if place in pick else place for place in form)
    return text, form.replace(" ", "")


def words(rng: np.random.Generator) -> tuple[str, str]:
    """A line of a sign or a screen, with a format that says nothing: words or a number, some in small letters.

    A third are random letters, so that a reader does not learn these words alone.
    """
    kind = rng.random()
    if kind < 0.33:
        drawn = "".join("ABCDEFGHIJKLMNOPQRSTUVWXYZ"[index] for index in rng.integers(26, size=rng.integers(3, 9)))
    elif kind < 0.43:
        drawn = "".join(str(digit) for digit in rng.integers(10, size=rng.integers(2, 8)))
    else:
        drawn = " ".join(WORDS[index] for index in rng.integers(len(WORDS), size=rng.integers(1, 3)))[:9].strip()
    case = rng.random()
    said = drawn if case < 0.4 else drawn.title() if case < 0.7 else drawn.lower()
    return said, "?" * len(said.replace(" ", ""))
