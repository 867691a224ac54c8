"""A reader as torch trains it: two dense layers a character, then what its neighbours say."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from veilseg.audit.lines import ALPHABET
from veilseg.audit.readers.features import INPUTS

WIDE, HIDDEN, ROUNDS = 416, 256, 2


class ReaderNetwork(nn.Module):
    """Characters' inputs to scores: `alone` from a character's own cells, `together` with its neighbours'."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(INPUTS, WIDE)
        self.second = nn.Linear(WIDE, HIDDEN)
        self.neighbours = nn.ModuleList(nn.Linear(3 * HIDDEN, HIDDEN) for _ in range(ROUNDS))
        self.alone = nn.Linear(HIDDEN, len(ALPHABET))
        self.together = nn.Linear(HIDDEN, len(ALPHABET))

    def forward(self, inputs: Tensor, present: Tensor) -> tuple[Tensor, Tensor]:
        """Float [lines, n, INPUTS], and which of the n characters exist, float [lines, n, 1]: two [lines, n, 36]."""
        there = present[..., 0] > 0
        seen = torch.relu(self.second(torch.relu(self.first(inputs[there]))))
        state = seen.new_zeros(*there.shape, HIDDEN)
        state[there] = seen
        alone = self.alone(state)
        for layer in self.neighbours:
            nothing = torch.zeros_like(state[:, :1])
            before = torch.cat([nothing, state[:, :-1]], dim=1)
            after = torch.cat([state[:, 1:], nothing], dim=1)
            state = (state + torch.relu(layer(torch.cat([before, state, after], dim=2)))) * present
        return alone, self.together(state)
