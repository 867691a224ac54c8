"""Who is it: a network that learned from encrypted photographs of some people names them behind the cipher.

Identification, not detection: where the head is and how high is given, as to the reader of plates. Not one of the
audit's attacks on a folder: it needs photographs of the people who may be seen. bench/faces.py measures it.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from veilseg.audit.readers.features import STEPS, sample

POINTS = (12, 10)
"""Down and across a head: where cells are read between their middles."""
SHADES = (0, STEPS // 2, STEPS - 1)
"""Of a cell's sixteen sorted greys: the darkest, the middle, the lightest."""
HIDDEN, EPOCHS, BATCH, RATE = 256, 30, 128, 2e-3
INPUTS = len(SHADES) * POINTS[0] * POINTS[1] + 4
Floats = NDArray[np.float32]
Box = tuple[float, float, float, float]


def describe(grid: Floats, head: Box, side: int) -> Floats:
    """What is known of a head in an encrypted image: float32 [INPUTS], of about unit spread.

    Light is divided out: greys count from their mean, by their spread.

    Args:
        grid: what `readers.features.cells` gave of the image, [rows, columns, STEPS + 3].
        head: (left, top, right, bottom) in pixels.
        side: of a cell in pixels.
    """
    left, top, right, bottom = (value / side for value in head)
    columns, rows = (
        np.linspace(low, high, 2 * count + 1)[1::2]
        for low, high, count in ((left, right, POINTS[1]), (top, bottom, POINTS[0]))
    )
    seen = sample(grid[:, :, SHADES], np.stack(np.meshgrid(columns, rows), axis=-1)[None])[0]
    level, spread = seen.mean(), max(float(seen.std()), 2.0)
    place = [left % 1 - 0.5, top % 1 - 0.5, np.log2(bottom - top) / 2, np.log2(spread / 32)]
    return np.concatenate([(seen.ravel() - level) / spread, place]).astype(np.float32)


class Names:
    """Learns people's heads, and says for others whose they are."""

    def __init__(self, inputs: Floats, people: NDArray[np.int64], seed: int) -> None:
        """Learn.

        Args:
            inputs: of `describe`, float32 [n, INPUTS].
            people: who each is, int64 [n], 0 and up.
            seed: of the first weights and the order.
        """
        torch.manual_seed(seed)
        self._network = nn.Sequential(
            nn.Linear(inputs.shape[1], HIDDEN), nn.GELU(), nn.Dropout(0.3), nn.Linear(HIDDEN, int(people.max()) + 1)
        )
        optimizer = torch.optim.AdamW(self._network.parameters(), RATE, weight_decay=0.05)
        count = EPOCHS * -(-len(inputs) // BATCH)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=count)
        x, y = torch.from_numpy(inputs), torch.from_numpy(people)
        for _ in range(EPOCHS):
            for part in torch.split(torch.randperm(len(x)), BATCH):
                loss: Tensor = F.cross_entropy(self._network(x[part]), y[part], label_smoothing=0.1)
                optimizer.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                optimizer.step()
                schedule.step()
        self._network.eval()

    @torch.no_grad()
    def scores(self, inputs: Floats) -> Floats:
        """For every head, [n, INPUTS], how likely it is each person's: float32 [n, people]."""
        found: Floats = self._network(torch.from_numpy(inputs)).numpy()
        return found
