"""ciphertext-only: the key from encrypted images alone, because one key for all blocks leaves their correlations intact
(section 5). Minutes of an ordinary computer; the size of the key space does not enter.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from veilseg.audit.attacks.blocks import block_grid, rotated_values, undo_matrix, undo_order
from veilseg.audit.attacks.moments import moments
from veilseg.audit.attacks.permutation_matching import match_permutation, name_permutation
from veilseg.audit.attacks.rotation_matching import match_rotation
from veilseg.audit.base import Attack, Evidence, Finding, Pixels, works_by
from veilseg.audit.picture import LARGEST
from veilseg.ciphers import Cipher


class CiphertextOnly(Attack):
    """The key from encrypted images."""

    name = "ciphertext-only"
    needs = "some encrypted images of one key, for a rotation also public photographs"
    cost = "seconds of one core for a permutation of 768 values, under a minute for a rotation"
    after_key = True

    def fits(self, cipher: Cipher) -> bool:
        """Ciphers with one key for all blocks that moves values about or mixes them."""
        return works_by(cipher, "permutation", "rotation")

    def run(self, evidence: Evidence) -> Finding:
        """The key, and one view: all images under it."""
        block = evidence.cipher.spec.block
        figures: dict[str, Any] = {"images": len(evidence.encrypted), "public_photographs": len(evidence.references)}
        if works_by(evidence.cipher, "rotation"):
            return self._rotation(evidence, figures)
        found = moments([block_grid(stored, block) for stored in evidence.encrypted], scale=True)
        unnamed, rounds = match_permutation(found, block)
        order = name_permutation(found, unnamed, block, evidence.references)
        alike = bool(np.array_equal(order, name_permutation(found, unnamed, block)))
        figures |= {"rounds": rounds, "same_without_public_photographs": alike}
        views: dict[str, list[Pixels]] = {"opened": [undo_order(stored, order, block) for stored in evidence.encrypted]}
        return Finding(views, order=order, figures=figures)

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
        views = {"opened": opened, "negative": [LARGEST - picture for picture in opened]}
        return Finding(views, matrix=matrix, figures=figures)
