"""Gaussian matrices from a key's stream."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from veilseg.ciphers.keystream import Keystream


def gaussian_matrix(subkey: bytes, size: int) -> NDArray[np.float64]:
    """Independent standard Gaussian values by Box-Muller from a subkey's stream: float64 [size, size].

    The same on all machines up to float rounding.
    """
    words = Keystream(subkey).words(0, size * size + size * size % 2)
    uniform = (words.astype(np.float64) + 0.5) / 2**32
    radius, angle = np.sqrt(-2 * np.log(uniform[0::2])), 2 * np.pi * uniform[1::2]
    values = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=-1).reshape(-1)[: size * size]
    return values.reshape(size, size)
