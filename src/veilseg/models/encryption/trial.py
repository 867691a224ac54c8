"""Whether two networks answer the same, and whether a key matters: measures and limits, in NumPy."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from veilseg.errors import InvalidModelError
from veilseg.keys import Key

#: The key that must not open anything: everybody's, and the same every time.
WRONG = Key(hashlib.sha256(b"veilseg: a wrong key").digest())
#: The largest difference, in spreads of the answers, that counts as rounding: by the bits of stored values.
ROUNDING = {8: 1e-3, 16: 3e-2}
#: The same for networks in float16 and bfloat16, whose weights are rounded once more.
ROUNDING_OF_HALF = 6e-2
#: With a wrong key, answers are at least this far off, and so many times as far as with the right one.
LEAST, TIMES = 5e-3, 5.0


@dataclass(frozen=True)
class Proof:
    """How far an encrypted network's answers are from the plain network's, on one random image.

    The mean absolute difference of each of its answers, divided by the spread (standard deviation) of the plain
    network's; the worst answer counts.

    Attributes:
        right: with the image encrypted with the model's key: rounding.
        wrong: with another key; none: with the image as it is. Both are those of the patch embedding, or of the whole
            network where that differs more.
    """

    right: float
    wrong: float
    none: float

    def check(self, limit: float, reason: str = "its weights are not what was computed") -> None:
        """Raise InvalidModelError, for this reason, where the right key is off by more than `limit`.

        And where a wrong key, or none, is as good as the right one.
        """
        if not self.right <= limit:
            raise InvalidModelError(
                f"the encrypted model answers otherwise than the plain one with the right key (off by {self.right:.1e} "
                f"of the spread, rounding is {limit:.0e} at most): {reason}",
                "such a network cannot be encrypted as it is",
            )
        for given, name in ((self.wrong, "a wrong key"), (self.none, "no key")):
            if not given > max(LEAST, TIMES * self.right):
                raise InvalidModelError(
                    f"the encrypted model answers the same with {name} (off by {given:.1e}), so the key protects "
                    "nothing",
                    "is its patch embedding what reads the image, and is it trained?",
                )

    def __str__(self) -> str:
        return f"off by {self.right:.1e} with its key, {self.wrong:.2g} with another, {self.none:.2g} with none"


def random_photo(height: int, width: int, seed: int = 0) -> NDArray[np.uint8]:
    """Coloured tiles with noise, uint8 [height, width, 3]: noise alone would look the same under every key."""
    generator = np.random.default_rng(seed)
    tiles = generator.integers(0, 200, (height // 5 + 1, width // 5 + 1, 3))
    large = tiles.repeat(5, axis=0).repeat(5, axis=1)[:height, :width]
    return (large + generator.integers(0, 56, (height, width, 3))).astype(np.uint8)


def distance(got: Sequence[NDArray[np.floating]], wanted: Sequence[NDArray[np.floating]]) -> float:
    """The mean difference in units of the spread of what is wanted, the worst of all answers; infinite for shapes."""
    if len(got) != len(wanted) or any(g.shape != w.shape for g, w in zip(got, wanted, strict=True)):
        return float("inf")
    return max((_distance(g, w) for g, w in zip(got, wanted, strict=True)), default=0.0)


def _distance(got: NDArray[np.floating], wanted: NDArray[np.floating]) -> float:
    finite = np.isfinite(wanted)  # masks of attention hold infinities
    if not np.array_equal(finite, np.isfinite(got)):
        return float("inf")
    got, wanted = got[finite].astype(np.float64), wanted[finite].astype(np.float64)
    spread = float(wanted.std()) if wanted.size > 1 else float(abs(wanted).max(initial=0.0))
    if spread <= 1e-6 * float(np.abs(wanted).max(initial=0.0)):  # says nothing: a head that was never trained
        return 0.0
    return float(np.abs(got - wanted).mean()) / spread
