"""brute-force: how many keys there are, how fast they can be tried here, and why that says nothing of other attacks.

Where there are a few thousand orders at most, all of them are tried.
"""

from __future__ import annotations

import itertools
import math
import time

import numpy as np
from numpy.typing import NDArray

from veilseg.audit.attacks.blocks import undo_order
from veilseg.audit.base import Attack, Evidence, Finding, Pixels, Stored
from veilseg.ciphers import Cipher
from veilseg.ciphers.grid import cut_blocks
from veilseg.errors import UsageError
from veilseg.keys import SECRET_BYTES, Key

TRIALS = 20
MOST_ORDERS = 5040
"""Up to so many orders of a block's values all are tried."""
SECONDS_PER_YEAR = 365.25 * 24 * 3600

WHY = (
    "The number of keys bounds only an attacker who tries one after another. A permutation of 768 positions has 2^6259 "
    "of them and still falls to known-plaintext in milliseconds and to ciphertext-only in seconds."
)


class BruteForce(Attack):
    """Counting keys, and trying them all where they are few."""

    name = "brute-force"
    needs = "one encrypted image, and a way to tell a photograph from noise; here a known pair"
    cost = "half of all keys, on average"
    mechanisms = ("permutation", "rotation", "shuffle")  # whose transformations `key_bits` can count

    def run(self, evidence: Evidence) -> Finding:
        """Bits of the key space (and of the secret that a key is made from), keys per second, years, as figures.

        Where all orders could be tried and one fits, that order, and one reconstruction: all images under it.
        """
        cipher, stored = evidence.cipher, evidence.encrypted[0]
        height, width = stored.shape[:2]
        space = key_bits(cipher, height, width)
        drawn = 8 * SECRET_BYTES
        block = stored[: cipher.spec.block, : cipher.spec.block]
        start = time.perf_counter()
        for trial in range(TRIALS):  # one block is enough to see that a key is wrong
            cipher.decrypt_pixels(block, Key(trial.to_bytes(SECRET_BYTES, "big")), bytes(16))
        rate = TRIALS / (time.perf_counter() - start)
        bits = min(space, drawn)
        years = bits - 1 - math.log2(rate) - math.log2(SECONDS_PER_YEAR)
        order, opened = None, {}
        if cipher.facts.mechanism == "permutation" and evidence.pairs:
            order = try_orders(*evidence.pairs[0], cipher.spec.block)
        if order is not None:
            opened = {"opened": [undo_order(one, order, cipher.spec.block) for one in evidence.encrypted]}
        return Finding(
            opened,
            order=order,
            figures={
                "transformations_bits": None if math.isinf(space) else round(space),
                "secret_bits": drawn,
                "keys_per_second": float(f"{rate:.2g}"),
                "expected_years": f"2^{years:.0f}",
                "why_it_says_little": WHY,
            },
        )


def try_orders(plain: Pixels, stored: Stored, block: int) -> NDArray[np.int64] | None:
    """The first permutation l with b_hat = b[l] for all blocks of a pair, int64 [L].

    None where none fits, and where there are more than MOST_ORDERS.
    """
    first, second = (cut_blocks(image, block) for image in (plain, stored))
    length = first.shape[1]
    if math.lgamma(length + 1) > math.log(MOST_ORDERS) + 1e-9:
        return None
    orders = (np.array(order) for order in itertools.permutations(range(length)))
    return next((order for order in orders if np.array_equal(first[:, order], second)), None)


def key_bits(cipher: Cipher, height: int, width: int) -> float:
    """log2 of the number of different transformations of an image of `height` x `width` pixels; inf for a rotation."""
    match cipher.facts.mechanism:
        case "rotation":
            return math.inf
        case "permutation":
            return math.lgamma(3 * cipher.spec.block**2 + 1) / math.log(2)
        case "shuffle":
            side = cipher.spec.cell
            squares = (height // side) * (width // side)
            return squares * (3 * math.lgamma(side**2 + 1) / math.log(2) + math.log2(6))
    raise UsageError(f"the keys of {cipher.name} are not counted", "choose another attack or cipher")
