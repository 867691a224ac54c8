"""A trained reader in NumPy: what an audit needs, without torch."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from veilseg.audit.base import Stored
from veilseg.audit.lines import ALPHABET, Place, allowed
from veilseg.audit.readers.features import Floats, Kind, cells, describe, kind_of
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

    def read(self, cipher: Cipher, stored: Stored, places: Sequence[Place]) -> list[Floats]:
        """Scores of every character of the lines at these places of one encrypted image, each float32 [n, 36]."""
        grid = cells(cipher, stored, self.kind)
        return [self.scores(describe(grid, place, cipher.spec.cell))[1] for place in places]


def decode(scores: Floats, form: str) -> str:
    """The likeliest text that the format allows."""
    return "".join(ALPHABET[index] for index in np.where(allowed(form), scores, -np.inf).argmax(axis=1))


def reader_for(cipher: Cipher) -> Reader | None:
    """The shipped reader of this cipher's images, at any size of cells; None where none was trained."""
    kind = kind_of(cipher)
    return None if kind is None else shipped(kind)


@cache
def shipped(kind: Kind) -> Reader:
    """The reader in the package."""
    from safetensors.numpy import load

    file = resources.files("veilseg.audit.readers").joinpath(f"{kind.name}.safetensors")
    return Reader(kind, load(file.read_bytes()))
