"""brute-force: how many keys there are, how fast they can be tried here, and why that says nothing about the other
attacks.
"""

from __future__ import annotations

import math
import time

from veilseg.audit.base import Attack, Evidence, Finding, named
from veilseg.ciphers import Cipher
from veilseg.keys import SECRET_BYTES, Key

TRIALS = 20
SECONDS_PER_YEAR = 365.25 * 24 * 3600

WHY = (
    "The number of keys bounds only an attacker who tries one after another. A permutation of 768 positions has 2^6259 "
    "of them and still falls to known-plaintext in milliseconds and to ciphertext-only in seconds."
)


class BruteForce(Attack):
    """Counting keys; none is tried to the end."""

    name = "brute-force"
    needs = "one encrypted image, and a way to tell a photograph from noise"
    cost = "half of all keys, on average"

    def fits(self, cipher: Cipher) -> bool:
        """Ciphers with keys, thrown away or not, whose transformations `key_bits` can count."""
        return named(cipher, "patch-permutation", "patch-rotation", "shf", "subblock-shuffle")

    def run(self, evidence: Evidence) -> Finding:
        """Figures only: bits of the key space (and of the secret that a key is made from), keys per second, years."""
        cipher, stored = evidence.cipher, evidence.encrypted[0]
        height, width = stored.shape[:2]
        space = key_bits(cipher, height, width)
        drawn = 8 * SECRET_BYTES
        block = stored[: cipher.block, : cipher.block]
        start = time.perf_counter()
        for trial in range(TRIALS):  # one block is enough to see that a key is wrong
            cipher.decrypt_pixels(block, Key(trial.to_bytes(SECRET_BYTES, "big")), bytes(16))
        rate = TRIALS / (time.perf_counter() - start)
        bits = min(space, drawn)
        years = bits - 1 - math.log2(rate) - math.log2(SECONDS_PER_YEAR)
        return Finding(
            figures={
                "transformations_bits": None if math.isinf(space) else round(space),
                "secret_bits": drawn,
                "keys_per_second": float(f"{rate:.2g}"),
                "expected_years": f"2^{years:.0f}",
                "why_it_says_little": WHY,
            }
        )


def key_bits(cipher: Cipher, height: int, width: int) -> float:
    """log2 of the number of different transformations of an image of `height` x `width` pixels; inf for a rotation."""
    values = 3 * cipher.block**2
    if named(cipher, "patch-rotation"):
        return math.inf
    if cipher.sub_block is None:
        return math.lgamma(values + 1) / math.log(2)
    inside = cipher.sub_block**2
    shuffles = 1 if cipher.options["shuffle"] == "shared" else 3
    squares = (height // cipher.sub_block) * (width // cipher.sub_block)
    bits = squares * shuffles * math.lgamma(inside + 1) / math.log(2)
    scopes = {"none": 0, "block": (height // cipher.block) * (width // cipher.block), "sub-block": squares}
    return bits + scopes[cipher.options["channels"]] * math.log2(6)
