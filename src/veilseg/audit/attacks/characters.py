"""characters: a reader that was trained on encrypted writing reads what the cells leave of it."""

from __future__ import annotations

from veilseg.audit.base import Attack, Evidence, Finding
from veilseg.audit.readers.features import is_read
from veilseg.audit.readers.reader import shipped
from veilseg.ciphers import Cipher


class Characters(Attack):
    """The shipped reader, which `python -m veilseg.audit.readers train` made: no training here, and no torch."""

    name = "characters"
    needs = "one encrypted image, and where its lines of writing are"
    cost = "milliseconds a line; its training took eleven minutes of one core"

    def fits(self, cipher: Cipher) -> bool:
        return is_read(cipher)

    def run(self, evidence: Evidence) -> Finding:
        """Scores of all characters at the places in the evidence; nothing where no place is known."""
        if not any(evidence.places):
            return Finding()
        pairs = zip(evidence.encrypted, evidence.places, strict=True)
        return Finding(read=[shipped().read(evidence.cipher, stored, places) for stored, places in pairs])
