"""A trained reader in NumPy: what an audit needs, without torch."""

from __future__ import annotations

from functools import cache
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from veilseg.audit.base import Stored
from veilseg.audit.readers.features import Floats, Kind, cells, describe, kind_of
from veilseg.audit.readers.lines import ALPHABET, Line, allowed
from veilseg.ciphers import Cipher


class Reader:
    """The network of network.py with its weights, float32 arrays by their names there."""

    def __init__(self, kind: Kind, weights: dict[str, NDArray[np.generic]]) -> None:
        self.kind = kind
        self._weights = {name: np.asarray(value, np.float32) for name, value in weights.items()}

    def scores(self, inputs: Floats) -> tuple[Floats, Floats]:
        """For the characters of one line, float32 [n, inputs]: scores alone and together, each [n, 36]."""
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

    def read(self, cipher: Cipher, stored: Stored, lines: tuple[Line, ...]) -> list[Floats]:
        """Scores of every character of every line in one encrypted image, each float32 [n, 36]; texts are not looked at."""
        grid = cells(cipher, stored, self.kind)
        return [self.scores(describe(grid, line, cipher.spec.cell))[1] for line in lines]


def decode(scores: Floats, form: str) -> str:
    """The likeliest text that the format allows."""
    return "".join(ALPHABET[index] for index in np.where(allowed(form), scores, -np.inf).argmax(axis=1))


def reader_for(cipher: Cipher) -> Reader | None:
    """The shipped reader of this cipher's images, at any size of cells; None where none was trained."""
    kind = kind_of(cipher)
    return None if kind is None else _shipped(kind)


@cache
def _shipped(kind: Kind) -> Reader:
    from safetensors.numpy import load

    file = resources.files("veilseg.audit.readers").joinpath(f"{kind.name}.safetensors")
    return Reader(kind, load(file.read_bytes()))
