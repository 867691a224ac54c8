"""characters: a reader that was trained on encrypted writing reads what the cells leave of it."""

from __future__ import annotations

from veilseg.audit.base import Attack, Evidence, Finding
from veilseg.audit.readers.features import kind_of
from veilseg.audit.readers.reader import reader_for
from veilseg.ciphers import Cipher


class Characters(Attack):
    """The shipped readers, which `python -m veilseg.audit.readers train` made: no training here, and no torch."""

    name = "characters"
    needs = "one encrypted image, and where its lines of writing are"
    cost = "milliseconds a line; its training took minutes of one core"

    def fits(self, cipher: Cipher) -> bool:
        return kind_of(cipher) is not None

    def run(self, evidence: Evidence) -> Finding:
        """Scores of all characters at the places in the evidence; nothing where no place is known."""
        reader = reader_for(evidence.cipher)
        assert reader is not None
        if not any(evidence.places):
            return Finding()
        pairs = zip(evidence.encrypted, evidence.places, strict=True)
        return Finding(read=[reader.read(evidence.cipher, stored, places) for stored, places in pairs])
