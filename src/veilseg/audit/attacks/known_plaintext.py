"""known-plaintext: one photograph together with its encrypted version opens every image of the same key.

A permutation: every position of a block has a column of values, one per block; equal columns belong together. A
rotation: L independent blocks and one solve. Independent keys: the pair opens itself, and the same attack shows that
it opens nothing else.
"""

from __future__ import annotations

import time

import numpy as np
from numpy.typing import NDArray

from veilseg.audit.attacks.blocks import rotated_values, undo_matrix, undo_order
from veilseg.audit.base import Attack, Evidence, Finding, Pixels, Stored
from veilseg.ciphers.grid import cut_blocks


class KnownPlaintext(Attack):
    """The key from pairs."""

    name = "known-plaintext"
    needs = "photographs with their encrypted versions: one for a permutation, L blocks in all for a rotation"
    cost = "one sort of L columns, or one solve of L equations"
    mechanisms = ("permutation", "rotation", "shuffle")  # to fall, or to show that they do not

    def run(self, evidence: Evidence) -> Finding:
        """The key, and one reconstruction: all images under it. Figures: pairs used, milliseconds until the key."""
        block, pairs = evidence.cipher.spec.block, evidence.pairs
        if not pairs:
            return Finding(figures={"pairs": 0})
        start = time.perf_counter()
        match evidence.cipher.facts.mechanism:
            case "rotation":
                matrix = recover_matrix(pairs, block)
                taken = time.perf_counter() - start
                opened = [undo_matrix(stored, matrix, block) for stored in evidence.encrypted]
                return Finding({"opened": opened}, matrix=matrix, figures=_figures(len(pairs), taken))
            case "permutation" | "shuffle":  # of independent keys an order that fits nothing else
                order = recover_order(*pairs[0], block)
                taken = time.perf_counter() - start
                opened = [undo_order(stored, order, block) for stored in evidence.encrypted]
                return Finding({"opened": opened}, order=order, figures=_figures(1, taken))
        raise self.unfit(evidence.cipher)


def recover_order(plain: Pixels, stored: Stored, block: int) -> NDArray[np.int64]:
    """The permutation l with b_hat = b[l] that fits one pair best: int64 [L].

    Columns are known by one weighted sum over the blocks, exact in integers: two different columns of a picture
    of a thousand blocks have the same sum with a chance of some 2^-35. Equal columns (a picture with constant parts)
    are interchangeable, also for whoever uses the result on that picture. Where no permutation fits, the result is a
    permutation that means nothing.
    """
    first, second = (cut_blocks(image, block) for image in (plain, stored))
    weights = np.random.default_rng(0).integers(1, 2**53 // (255 * len(first) + 1), len(first)).astype(np.float64)
    # Products and sums stay below 2^53, where float64 is exact: the matrix product is that of integers, and fast.
    sums = [weights @ blocks.astype(np.float64) for blocks in (first, second)]
    order = np.empty(first.shape[1], np.int64)
    order[np.argsort(sums[1], kind="stable")] = np.argsort(sums[0], kind="stable")
    return order


def recover_matrix(pairs: tuple[tuple[Pixels, Stored], ...], block: int) -> NDArray[np.float64]:
    """The orthogonal M with b_hat = (b - 127.5) M^T that fits pairs of patch-rotation best: float64 [L, L].

    Exact up to rounding from L independent blocks on; with fewer, right on the directions that the blocks span.
    """
    plain = np.concatenate([cut_blocks(image, block) for image, _ in pairs]).astype(np.float64) - 127.5
    stored = np.concatenate([rotated_values(image, block) for _, image in pairs])
    left, _, right = np.linalg.svd(stored.T @ plain)
    return np.asarray(left @ right)


def _figures(pairs: int, seconds: float) -> dict[str, float]:
    return {"pairs": pairs, "milliseconds_to_the_key": round(1000 * seconds, 1)}
