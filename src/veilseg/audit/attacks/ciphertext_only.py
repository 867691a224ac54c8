"""ciphertext-only: the key from encrypted images alone.

One key for all blocks leaves their correlations intact. Minutes of an ordinary computer; the size of the key space does
not enter.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from veilseg.audit.attacks.blocks import block_grid, rotated_values, undo_matrix, undo_order
from veilseg.audit.attacks.moments import moments
from veilseg.audit.attacks.permutation_matching import match_permutation, name_permutation
from veilseg.audit.attacks.rotation_matching import match_rotation
from veilseg.audit.base import Attack, Evidence, Finding
from veilseg.audit.picture import LARGEST


class CiphertextOnly(Attack):
    """The key from encrypted images."""

    name = "ciphertext-only"
    needs = "some encrypted images of one key, for a rotation also public photographs"
    cost = "seconds of one core for a permutation of 768 values, under a minute for a rotation"
    mechanisms = ("permutation", "rotation")  # one key for all blocks, which moves values about or mixes them

    def run(self, evidence: Evidence) -> Finding:
        """The key, and all images under it; for a rotation also their negatives."""
        figures: dict[str, Any] = {"images": len(evidence.encrypted), "public_photographs": len(evidence.references)}
        match evidence.cipher.facts.mechanism:
            case "permutation":
                return self._permutation(evidence, figures)
            case "rotation":
                return self._rotation(evidence, figures)
        raise self.unfit(evidence.cipher)

    def _permutation(self, evidence: Evidence, figures: dict[str, Any]) -> Finding:
        block = evidence.cipher.spec.block
        found = moments([block_grid(stored, block) for stored in evidence.encrypted], scale=True)
        unnamed, rounds = match_permutation(found, block)
        order = name_permutation(found, unnamed, block, evidence.references)
        alike = bool(np.array_equal(order, name_permutation(found, unnamed, block)))
        figures |= {"rounds": rounds, "same_without_public_photographs": alike}
        opened = [undo_order(stored, order, block) for stored in evidence.encrypted]
        return Finding({"opened": opened}, order=order, figures=figures)

    def _rotation(self, evidence: Evidence, figures: dict[str, Any]) -> Finding:
        block = evidence.cipher.spec.block
        if not evidence.references:
            return Finding(figures=figures)
        grids = []
        for stored in evidence.encrypted:
            rows, columns = (side // block for side in stored.shape[:2])
            grids.append(rotated_values(stored, block).reshape(rows, columns, -1))
        matrix = match_rotation(grids, evidence.references, block)
        opened = [undo_matrix(stored, matrix, block) for stored in evidence.encrypted]
        negative = [LARGEST - picture for picture in opened]
        return Finding({"opened": opened, "negative": negative}, matrix=matrix, figures=figures)
