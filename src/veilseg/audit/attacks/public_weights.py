"""public-weights: an encrypted model that was made from a published one gives its key away, without any image.

Derived here. An encrypted embedding is E_hat = M E. Whoever knows E, from the published weights, matches the rows of
E_hat with those of E (a permutation) or solves for M (a rotation). Fine-tuning moves E before it is encrypted; how far
it may move until the matching fails is part of what is reported.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from veilseg.audit.attacks.blocks import undo_matrix, undo_order
from veilseg.audit.attacks.permutation_matching import least_assignment
from veilseg.audit.base import Attack, Evidence, Finding
from veilseg.ciphers import Cipher

MOVES = (0.0, 0.3, 1.0, 3.0, 10.0, 30.0)
"""How far fine-tuning moved the embedding: ||change|| / ||E||, a change without any structure."""


class PublicWeights(Attack):
    """The key from an encrypted model."""

    name = "public-weights"
    needs = "the encrypted model's file, and the published weights that it was made from"
    cost = "one assignment of L rows, or one singular value decomposition of [L, L]"
    mechanisms = ("permutation", "rotation")

    def fits(self, cipher: Cipher) -> bool:
        """Of these mechanisms, the ciphers that models are encrypted for."""
        return cipher.facts.family == "model key" and super().fits(cipher)

    def run(self, evidence: Evidence) -> Finding:
        """The key, and one reconstruction: all images under it. Figures: share of rows matched after every move."""
        public, mixed = evidence.public_embedding, evidence.encrypted_embedding
        if public is None or mixed is None:
            return Finding(figures={"embedding": "none is published for this block size"})
        block = evidence.cipher.spec.block
        match evidence.cipher.facts.mechanism:
            case "rotation":
                matrix = match_matrix(public, mixed)
                opened = [undo_matrix(stored, matrix, block) for stored in evidence.encrypted]
                determined = f"{np.linalg.matrix_rank(public)}/{len(public)}"
                return Finding({"opened": opened}, matrix=matrix, figures={"directions_determined": determined})
            case "permutation":
                order = match_rows(public, mixed)
                opened = [undo_order(stored, order, block) for stored in evidence.encrypted]
                shares = moved(public, evidence.seed)
                return Finding({"opened": opened}, order=order, figures={"rows_right_after_move": shares})
        raise self.unfit(evidence.cipher)


def match_rows(public: NDArray[np.float64], mixed: NDArray[np.float64]) -> NDArray[np.int64]:
    """The permutation l with mixed[i] near public[l[i]], both [L, D]: int64 [L], best in the sum of squares."""
    return least_assignment(-(mixed @ public.T))


def match_matrix(public: NDArray[np.float64], mixed: NDArray[np.float64]) -> NDArray[np.float64]:
    """The orthogonal M with `mixed` nearest to M public (Procrustes), both [L, D]: float64 [L, L].

    Determined on the directions that `public` spans: all where D >= L and the embedding has full rank.
    """
    left, _, right = np.linalg.svd(mixed @ public.T)
    return np.asarray(left @ right)


def moved(public: NDArray[np.float64], seed: int) -> dict[str, float]:
    """{move: share of rows still matched} when `public` [L, D] was changed at random by ||change|| = move ||E||."""
    rng = np.random.default_rng(seed)
    shares = {}
    for move in MOVES:
        change = rng.standard_normal(public.shape)
        tuned = public + move * change * np.linalg.norm(public) / np.linalg.norm(change)
        order = rng.permutation(len(public))
        shares[str(move)] = round(float((match_rows(public, tuned[order]) == order).mean()), 4)
    return shares
