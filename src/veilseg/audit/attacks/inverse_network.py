"""inverse-network [Ito 2020]: learn the way back from pairs that the attacker makes.

Against independent keys its input is the canonical form, which is all that there is to learn from.
"""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray

from veilseg.audit.base import Attack, Evidence, Finding, Stored
from veilseg.audit.picture import visible
from veilseg.ciphers import Cipher, canonical_cipher


class InverseNetwork(Attack):
    """A network from encrypted images to photographs.

    It fits every cipher; against one with a key of its own it shows how little other keys teach.
    """

    name = "inverse-network"
    needs = "photographs of its own, encrypted with keys of its own"
    cost = "the training of a network: minutes of two cores by default"
    learned = True
    adversarial = False

    def run(self, evidence: Evidence) -> Finding:
        """One reconstruction: what the network makes of every image."""
        from veilseg.audit.attacks.learning import invert, train_inverse

        features = partial(square_features, cipher=evidence.cipher)
        network = train_inverse(self.name, evidence, features, adversarial=self.adversarial)
        made = [invert(network, stored, features) for stored in evidence.encrypted]
        return Finding(
            {"inverted": made},
            figures={"training_steps": evidence.training.steps, "photographs": len(evidence.references)},
        )


class Gan(InverseNetwork):
    """The adversarial version [Madono 2021]: plausible detail, which is not the true one."""

    name = "gan"
    cost = "the training of two networks: minutes of two cores by default"
    adversarial = True


def square_features(stored: Stored, cipher: Cipher) -> NDArray[np.float32]:
    """What the values of every sub-block (or block) add to its grey mean, as channels [3 s s, H / s, W / s].

    (value - mean) / 64, about -2..2, in canonical order where keys can change the order.
    """
    pixels, side = canonical_cipher(cipher).reduce(visible(stored)), cipher.spec.cell
    height, width = (extent // side for extent in pixels.shape[:2])
    squares = pixels.reshape(height, side, width, side, 3).transpose(4, 1, 3, 0, 2).reshape(-1, height, width)
    return np.asarray((squares - squares.mean(axis=0, keepdims=True)) / 64, np.float32)
