"""An attack from outside: a blurred look at what was sent."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter

from veilseg.audit import registry
from veilseg.audit.base import Attack, Evidence, Finding
from veilseg.audit.picture import visible
from veilseg.ciphers import Cipher


class Blur(Attack):
    """What was sent, through a soft lens."""

    name = "blur"
    needs = "one encrypted image"
    cost = "nothing"

    def fits(self, cipher: Cipher) -> bool:
        return cipher.facts.sub_blocks

    def run(self, evidence: Evidence) -> Finding:
        soft = [gaussian_filter(visible(stored), (2, 2, 0)).astype(np.uint8) for stored in evidence.encrypted]
        return Finding({"soft": soft})


registry.register(Blur())
