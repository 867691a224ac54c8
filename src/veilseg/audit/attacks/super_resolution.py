"""super-resolution: the thumbnail, enlarged by a network that has seen photographs instead of by interpolation."""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray

from veilseg.audit.base import Attack, Evidence, Finding, Stored
from veilseg.audit.picture import grey, means, visible
from veilseg.ciphers import Cipher


class SuperResolution(Attack):
    """A learned upsampler of sub-block means."""

    name = "super-resolution"
    needs = "one encrypted image, and photographs to learn from"
    cost = "the training of a network: minutes of two cores by default"
    learned = True

    def fits(self, cipher: Cipher) -> bool:
        """Ciphers whose sub-blocks keep their means."""
        return cipher.facts.sub_blocks

    def run(self, evidence: Evidence) -> Finding:
        """One reconstruction: the thumbnail with the detail that photographs usually have."""
        from veilseg.audit.attacks.learning import invert, train_inverse

        features = partial(mean_features, side=evidence.cipher.spec.cell)
        network = train_inverse(self.name, evidence, features)
        made = [invert(network, stored, features) for stored in evidence.encrypted]
        return Finding({"enlarged": made}, figures={"training_steps": evidence.training.steps})


def mean_features(stored: Stored, side: int) -> NDArray[np.float32]:
    """The grey means alone, 0..1: [1, H / s, W / s]."""
    return (means(grey(visible(stored))[..., None], side)[..., 0][None] / 255).astype(np.float32)
