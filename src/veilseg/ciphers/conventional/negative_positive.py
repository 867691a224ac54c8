"""NP: at a keyed half of a block's positions x becomes 255 - x [AprilPyone 2020]."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from veilseg.ciphers.conventional.exchange import Exchange
from veilseg.keys import Key


class NegativePositive(Exchange):
    """Half of the values of every block inverted."""

    name = purpose = "np"

    def table(self, key: Key) -> NDArray[np.uint8]:
        """What a chosen value becomes, whatever the key."""
        return np.arange(255, -1, -1, dtype=np.uint8)
