"""The plan of a street before anything is painted: widths, what stands along both sides, and where."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from veilseg.data.scenes.camera import Road

FAR = 150.0
"""Metres of street that are laid out."""

CHARACTERS = ("high street", "terrace", "suburb", "green", "modern")

LOTS = {
    "high street": (("shop", 9), ("house", 2), ("block", 3), ("wall", 0.5), ("tower", 0.4), ("garden", 0.4)),
    "terrace": (("house", 9), ("shop", 1), ("block", 0.7), ("wall", 0.8), ("garden", 0.8), ("tower", 0.15)),
    "suburb": (("house", 5), ("garden", 3), ("hedge", 2), ("wall", 1), ("fence", 1.5), ("block", 0.6)),
    "green": (("garden", 5), ("hedge", 2.5), ("fence", 2), ("house", 1.2), ("wall", 1), ("open", 2)),
    "modern": (("block", 6), ("fence", 2), ("open", 1.5), ("garden", 2), ("shop", 1), ("hedge", 0.6)),
}
"""What may stand on a lot, with weights, by the character of the street."""

LENGTHS = {
    "shop": (5, 12),
    "house": (5, 9),
    "block": (12, 34),
    "tower": (7, 12),
    "wall": (6, 22),
    "hedge": (6, 20),
    "fence": (7, 30),
    "garden": (6, 18),
    "open": (10, 28),
}


@dataclass(frozen=True)
class Lot:
    """A piece of frontage from `start` to `end` metres along the road."""

    kind: str
    start: float
    end: float


@dataclass
class Side:
    """One side of the road, outwards: pavement, verge, setback (front gardens), then the lots."""

    sign: int
    pavement: float
    verge: float
    verge_outside: bool
    setback: float
    beyond: str
    lots: list[Lot] = field(default_factory=list)
    mouths: list[tuple[float, float]] = field(default_factory=list)

    @property
    def depth(self) -> float:
        """From the kerb to the frontage."""
        return self.pavement + self.verge + self.setback


@dataclass
class Layout:
    """The street: its middle line, half its width, both sides, and where the camera drives."""

    character: str
    road: Road
    half: float
    sides: tuple[Side, Side]
    lane: float

    def front(self, side: Side) -> float:
        """Where the frontage of a side is, measured across the road."""
        return side.sign * (self.half + side.depth)


def draw_plan(rng: random.Random) -> Layout:
    """A random street."""
    character = rng.choices(CHARACTERS, (34, 26, 14, 10, 16))[0]
    half = rng.uniform(3.0, 5.2) if rng.random() < 0.75 else rng.uniform(5.0, 9.0)
    bend = 0.0 if rng.random() < 0.6 else rng.choice((-1, 1)) / rng.uniform(50, 300)
    sides = (_draw_side(rng, -1, character), _draw_side(rng, 1, character))
    # Traffic keeps left; now and then the camera is nearer to the middle or to the kerb.
    lane = -half * rng.uniform(0.3, 0.6)
    return Layout(character, Road(bend), half, sides, lane)


def _draw_side(rng: random.Random, sign: int, character: str) -> Side:
    if rng.random() < 0.15:
        character = rng.choice(CHARACTERS)
    green = character in ("suburb", "green")
    side = Side(
        sign,
        pavement=rng.uniform(1.4, 3.5) if rng.random() < 0.93 else 0.0,
        verge=rng.uniform(0.8, 4.0) if rng.random() < (0.6 if green else 0.1) else 0.0,
        verge_outside=rng.random() < 0.5,
        setback={
            "suburb": rng.uniform(2, 7),
            "green": rng.uniform(0, 6),
            "modern": rng.choice((0, rng.uniform(0, 8))),
        }.get(character, 0.0 if rng.random() < 0.7 else rng.uniform(0.8, 2.5)),
        beyond=rng.choices(("grass", "paved", "tarmac"), (6, 2, 2) if green else (2, 3, 3))[0],
    )
    kinds = [kind for kind, _ in LOTS[character]]
    weights = [weight for _, weight in LOTS[character]]
    s = rng.uniform(-14, -4)
    last = ""
    while s < FAR:
        if s > 4 and last != "mouth" and rng.random() < 0.12:
            width = rng.uniform(5, 11)
            side.mouths.append((s, s + width))
            s += width
            last = "mouth"
            continue
        # Streets are rows of the same: a kind often repeats.
        kind = last if last in kinds and rng.random() < 0.45 else rng.choices(kinds, weights)[0]
        length = rng.uniform(*LENGTHS[kind])
        side.lots.append(Lot(kind, s, s + length))
        s += length + (rng.uniform(0.5, 4) if green and rng.random() < 0.5 else 0.0)
        last = kind
    return side
