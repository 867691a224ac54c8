"""Training of the readers: every round draws lines, encrypts them, and takes some steps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from veilseg.audit.base import Pixels
from veilseg.audit.lines import CharacterPositions, classes
from veilseg.audit.readers.features import INPUTS, Floats, cells, describe
from veilseg.audit.readers.network import ReaderNetwork
from veilseg.audit.readers.writing import draw_line
from veilseg.ciphers import cipher

SIDES = (2, 3, 4, 4, 6, 8, 8, 12, 16, 16, 24)
"""Of cells in pixels: one reader learns all, since what counts is how many cells a letter has."""

HEIGHTS = (0.35, 8.0)
"""Of a capital in cells, as likely for each factor; in pixels within PIXELS."""

LARGEST_LETTER = 72.0
"""Pixels. Larger ones are read as these are: nothing new is in them."""
PIXELS = (1.5, LARGEST_LETTER)
CIPHERS = ("subblock-sort", "subblock-quartiles", "mosaic")
LONGEST = 9
"""Characters of a line that is learned from."""
RATE = 2e-3


@dataclass(frozen=True)
class TrainingSettings:
    """How long is trained.

    Attributes:
        fonts: that the lines are drawn with.
        rounds: in each, `lines` are drawn, each seen at `places` places of the grid, and `steps` taken.
        batch: lines a step.
        kept: lines that are kept to be learned from again.
        sides: of cells.
        progress: called after every round with its number, the last loss and the reader as it is.
    """

    fonts: tuple[str, ...]
    rounds: int = 360
    lines: int = 48
    places: int = 4
    steps: int = 12
    batch: int = 128
    kept: int = 100_000
    sides: tuple[int, ...] = SIDES
    seed: int = 1
    progress: Callable[[int, float, ReaderNetwork], None] = lambda number, loss, network: None


class Store:
    """Lines as the reader's inputs: float16 [kept, LONGEST, INPUTS] and classes, -1 where a line has ended."""

    def __init__(self, kept: int) -> None:
        self._inputs = np.zeros((kept, LONGEST, INPUTS), np.float16)
        self._classes = np.full((kept, LONGEST), -1, np.int64)
        self._count = 0

    def add(self, inputs: Floats, text: str) -> None:
        """In place of the oldest line where all places are taken."""
        place, length = self._count % len(self._inputs), len(text)
        self._inputs[place, :length] = inputs
        self._inputs[place, length:] = 0
        self._classes[place] = -1
        self._classes[place, :length] = classes(text)
        self._count += 1

    def draw(self, rng: np.random.Generator, batch: int) -> tuple[Tensor, Tensor]:
        """Inputs float32 [batch, LONGEST, INPUTS] and classes."""
        chosen = rng.integers(min(self._count, len(self._inputs)), size=batch)
        return torch.from_numpy(self._inputs[chosen].astype(np.float32)), torch.from_numpy(self._classes[chosen])


def train(
    settings: TrainingSettings, add: Callable[[np.random.Generator, Store, TrainingSettings], None] | None = None
) -> ReaderNetwork:
    """A reader. Equal settings give equal readers on equal machines.

    add: draws something and puts it into the store, `settings.lines` times a round; None: `add_line`.
    """
    torch.manual_seed(settings.seed)
    rng = np.random.default_rng(settings.seed)
    network = ReaderNetwork()
    optimizer = torch.optim.AdamW(network.parameters(), RATE, weight_decay=0.01)
    store = Store(settings.kept)
    for number in range(settings.rounds):
        for _ in range(settings.lines):
            (add or add_line)(rng, store, settings)
        for group in optimizer.param_groups:
            decay = 0.01 + 0.99 * np.cos(np.pi / 2 * number / settings.rounds) ** 2
            group["lr"] = RATE * min(1, (number + 1) / 10) * decay
        for _ in range(settings.steps):
            loss = _step(network, optimizer, *store.draw(rng, settings.batch))
        settings.progress(number + 1, loss, network)
    return network.eval()


def add_line(rng: np.random.Generator, store: Store, settings: TrainingSettings) -> None:
    """One line of writing, at some places of the grid."""
    side = int(rng.choice(settings.sides))
    share = rng.random() ** 0.8  # somewhat more of what can be read
    height = float(np.clip(side * HEIGHTS[0] * (HEIGHTS[1] / HEIGHTS[0]) ** share, *PIXELS))
    picture, line = draw_line(rng, str(rng.choice(settings.fonts)), height, side)
    if len(line.text) > LONGEST:
        return
    for _ in range(settings.places):
        moved, place = shift(picture, line.place, side, rng)
        made = cipher(str(rng.choice(CIPHERS)), side, side)  # blocks of one cell: blocks change nothing
        grid = cells(made, made.encrypt_pixels(moved, None, None))
        store.add(describe(grid, guess_place(place, rng), side), line.text)


def shift(
    picture: Pixels, place: CharacterPositions, side: int, rng: np.random.Generator
) -> tuple[Pixels, CharacterPositions]:
    """The same at another place of the grid."""
    moved, left, top = cut(picture, side, rng)
    return moved, place.moved(-left, -top)


def cut(picture: Pixels, side: int, rng: np.random.Generator) -> tuple[Pixels, int, int]:
    """A picture without some pixels at its left and top, fewer than a cell's side, and how many: whole cells remain."""
    left, top = (int(value) for value in rng.integers(0, side, 2))
    height, width = ((extent - side) // side * side for extent in picture.shape[:2])
    return np.ascontiguousarray(picture[top : top + height, left : left + width]), left, top


def guess_place(place: CharacterPositions, rng: np.random.Generator) -> CharacterPositions:
    """What an attacker knows of it: nearly all, or the line's ends and how many characters there are."""
    known = place.even if rng.random() < 0.3 else place
    error = rng.normal(0, 0.03, known.centres.shape) + rng.normal(0, 0.04, 2)
    return CharacterPositions(known.centres + place.height * error, place.height * float(np.exp(rng.normal(0, 0.06))))


def _step(network: ReaderNetwork, optimizer: torch.optim.Optimizer, inputs: Tensor, wanted: Tensor) -> float:
    alone, together = network(inputs, (wanted >= 0).float()[..., None])
    losses = [F.cross_entropy(scores.flatten(0, 1), wanted.flatten(), ignore_index=-1) for scores in (alone, together)]
    loss = losses[1] + 0.3 * losses[0]
    optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    optimizer.step()
    return float(losses[1].detach())
