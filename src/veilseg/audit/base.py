"""What every attack is: what the attacker holds, what comes out, what it costs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from veilseg.audit.lines import CharacterPositions
from veilseg.catalog import Mechanism
from veilseg.ciphers import Cipher
from veilseg.errors import UsageError

Pixels = NDArray[np.uint8]
Stored = NDArray[Any]
"""An encrypted image: uint8 or uint16 [H, W, 3], sides multiples of the block."""


@dataclass(frozen=True)
class Training:
    """How much the learned attacks may spend. The defaults fit two cores and a few minutes.

    Attributes:
        steps: of `batch` crops of `crop` pixels a side.
        width: channels of the networks.
        scenes: how many generated scenes are learned from beside the public photographs.
        folder: where checkpoints go, so that an interrupted attack goes on; None: nothing is kept.
        progress: called once per step with the attack's name, the step and the number of steps.
    """

    steps: int = 400
    batch: int = 8
    crop: int = 96
    width: int = 32
    scenes: int = 24
    folder: Path | None = None
    progress: Callable[[str, int, int], None] = lambda name, step, steps: None


@dataclass(frozen=True)
class Evidence:
    """Everything that an attacker may hold. An attack uses only what its `needs` says.

    Attributes:
        cipher: the cipher and its public parameters, always known.
        encrypted: the victim's encrypted images.
        places: where lines of writing are in each of them, the hardest case for the defender; () where nobody knows.
        pairs: plain images (uint8, same size) with their encrypted versions under the victim's key; none of them is in
            `encrypted`.
        references: public photographs, uint8 [H, W, 3] of any size.
        candidates: photographs that somebody has, uint8 [H, W, 3], by what was done to them.
        own: encrypts a plain image (sides multiples of the block) with keys of the attacker's own.
        public_embedding: the patch embedding [L, D] of a published model.
        encrypted_embedding: the same after encryption with the victim's key.
        seed: of whatever an attack draws.
        training: of the attacks that train networks.
    """

    cipher: Cipher
    encrypted: tuple[Stored, ...]
    places: tuple[tuple[CharacterPositions, ...], ...] = ()
    pairs: tuple[tuple[Pixels, Stored], ...] = ()
    references: tuple[Pixels, ...] = ()
    candidates: dict[str, tuple[Pixels, ...]] = field(default_factory=dict)
    own: Callable[[Pixels], Stored] | None = None
    public_embedding: NDArray[np.float64] | None = None
    encrypted_embedding: NDArray[np.float64] | None = None
    seed: int = 0
    training: Training = field(default_factory=Training)


@dataclass(frozen=True)
class Finding:
    """What an attack brings back; whether it is right is for `scoring`, which knows the truth.

    Attributes:
        reconstructions: by name, one picture per image of Evidence.encrypted: uint8 [H, W, 3] of its size.
        order: the permutation that the attack takes for the key, int64 [L] with b_hat = b[order].
        matrix: the orthogonal matrix that it takes for the key, float64 [L, L].
        read: for every image, for every line of Evidence.places, scores of its characters, float32 [n, 36], as in
            lines.ALPHABET.
        matches: by name, for every encrypted image the index of the candidate that it shows.
        figures: numbers and words of its own, for the report.
    """

    reconstructions: dict[str, list[Pixels]] = field(default_factory=dict)
    order: NDArray[np.int64] | None = None
    matrix: NDArray[np.float64] | None = None
    read: list[list[NDArray[np.float32]]] | None = None
    matches: dict[str, list[int]] = field(default_factory=dict)
    figures: dict[str, Any] = field(default_factory=dict)


class Attack(ABC):
    """One attack.

    Attributes:
        name: as on the command line.
        needs: what the attacker has.
        cost: what it takes.
        mechanisms: of the ciphers that it says anything about (see the catalogue); None: any.
        learned: it trains a network, and runs only when asked for.
    """

    name: ClassVar[str]
    needs: ClassVar[str]
    cost: ClassVar[str]
    mechanisms: ClassVar[tuple[Mechanism, ...] | None] = None
    learned: ClassVar[bool] = False

    def fits(self, cipher: Cipher) -> bool:
        """Whether the attack says anything about this cipher."""
        return self.mechanisms is None or cipher.facts.mechanism in self.mechanisms

    def unfit(self, cipher: Cipher) -> UsageError:
        """The error for a cipher whose mechanism the attack does not know."""
        return UsageError(f"{self.name} says nothing about {cipher.name}", "choose another attack or cipher")

    @abstractmethod
    def run(self, evidence: Evidence) -> Finding:
        """Attack. Deterministic for equal evidence."""
