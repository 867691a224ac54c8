"""What the vectors have in common: keys, a nonce, pictures that every language can make."""

from __future__ import annotations

import base64

import numpy as np

from veilseg.keys import Key

SECRETS = [bytes(32), bytes(range(32)), bytes(255 - i for i in range(32))]
KEYS = [Key(secret) for secret in SECRETS]
NONCE = bytes(range(16))


def b64(data: bytes) -> str:
    """Base64, as all bytes in the vectors are."""
    return base64.b64encode(data).decode()


def image(height: int, width: int, seed: int = 1) -> np.ndarray:
    """A picture uint8 [H, W, 3] that every language can make: a linear congruential generator, high byte."""
    state, values = seed, bytearray()
    for _ in range(height * width * 3):
        state = (state * 1664525 + 1013904223) % 2**32
        values.append(state >> 24)
    return np.frombuffer(bytes(values), np.uint8).reshape(height, width, 3)


def few_values(height: int, width: int) -> np.ndarray:
    """A picture with many ties, so that the canonical order has to break them."""
    return image(height, width, 7) % 2 * 200
