"""A trained reader in NumPy: what an audit needs, without torch."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from veilseg.audit.base import Stored
from veilseg.audit.lines import ALPHABET, CharacterPositions, allowed
from veilseg.audit.readers.features import Floats, cells, coarser, describe
from veilseg.ciphers import Cipher

NAME = "reader.safetensors"
HIGHEST = 7.0
"""Cells a letter: no reader learned from larger ones."""


class Reader:
    """The network of network.py with its weights, float32 arrays by their names there."""

    def __init__(self, weights: dict[str, NDArray[np.generic]]) -> None:
        self._weights = {name: np.asarray(value, np.float32) for name, value in weights.items()}

    def scores(self, inputs: Floats) -> tuple[Floats, Floats]:
        """For the characters of one line, float32 [n, INPUTS]: scores alone and together, each [n, 36]."""
        state = self._layer("second", self._layer("first", inputs, True), True)
        alone = self._layer("alone", state, False)
        nothing = np.zeros_like(state[:1])
        index = 0
        while f"neighbours.{index}.weight" in self._weights:
            beside = np.concatenate([np.vstack([nothing, state[:-1]]), state, np.vstack([state[1:], nothing])], axis=1)
            state = state + self._layer(f"neighbours.{index}", beside, True)
            index += 1
        return alone, self._layer("together", state, False)

    def _layer(self, name: str, values: Floats, rectify: bool) -> Floats:
        out = values @ self._weights[f"{name}.weight"].T + self._weights[f"{name}.bias"]
        return np.asarray(np.maximum(out, 0) if rectify else out, np.float32)

    def read(self, cipher: Cipher, stored: Stored, places: Sequence[CharacterPositions]) -> list[Floats]:
        """Scores of every character of the lines at these places of one encrypted image, each float32 [n, 36]."""
        levels = [(cipher.spec.cell, cells(cipher, stored))]
        read = []
        for place in places:
            level = 0
            while place.height / levels[level][0] > HIGHEST:  # so large letters are read in larger cells
                level += 1
                if level == len(levels):
                    side, grid = levels[-1]
                    levels.append((2 * side, coarser(grid)))
            side, grid = levels[level]
            read.append(self.scores(describe(grid, place, side))[1])
        return read


def decode(scores: Floats, form: str) -> str:
    """The likeliest text that the format allows."""
    return "".join(ALPHABET[index] for index in np.where(allowed(form), scores, -np.inf).argmax(axis=1))


@cache
def shipped() -> Reader:
    """The reader in the package."""
    from safetensors.numpy import load

    return Reader(load(resources.files("veilseg.audit.readers").joinpath(NAME).read_bytes()))
