"""FFX: at a keyed half of a block's positions a value becomes another number of three decimal digits.

By format-preserving encryption [AprilPyone 2020].
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from veilseg.ciphers.conventional import ff1
from veilseg.ciphers.conventional.exchange import Exchange
from veilseg.keys import Key


@lru_cache(maxsize=8)
def _table(subkey: bytes) -> NDArray[np.uint16]:
    digits = (ff1.encrypt(subkey, [v // 100, v // 10 % 10, v % 10]) for v in range(256))
    table = np.array([100 * a + 10 * b + c for a, b, c in digits], np.uint16)
    table.flags.writeable = False
    return table


class Ffx(Exchange):
    """Half of the values of every block encrypted one by one; 16 bits stored."""

    name = "ffx"
    purpose = "ffx-positions"

    def table(self, key: Key) -> NDArray[np.uint16]:
        """What the values 0..255 become: distinct numbers 0..999, FF1 with AES-256 and no tweak; read-only."""
        return _table(key.derive("ffx"))

    def stored_maximum(self, key: Key) -> float:
        """The greatest value of the key's table: networks take stored values divided by it, as in the paper."""
        return float(self.table(key).max())
