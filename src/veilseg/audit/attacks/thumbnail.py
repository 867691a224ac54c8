"""thumbnail: means of sub-blocks survive every shuffle inside them; enlarged, they are a picture (section 5)."""

from __future__ import annotations

from veilseg.audit.base import Attack, Evidence, Finding, region
from veilseg.audit.picture import as_pixels, enlarge_means, grey, means, visible
from veilseg.ciphers import Cipher


class Thumbnail(Attack):
    """Grey sub-block means, enlarged so that they stay what they are."""

    name = "thumbnail"
    needs = "one encrypted image"
    cost = "one mean per sub-block"

    def fits(self, cipher: Cipher) -> bool:
        """Every cipher has blocks to average, even where their means say nothing."""
        return True

    def run(self, evidence: Evidence) -> Finding:
        """One view. The mean over the channels needs no knowledge of their order."""
        side = region(evidence.cipher)
        pictures = []
        for stored in evidence.encrypted:
            small = means(grey(visible(stored))[..., None], side)[..., 0]
            pictures.append(as_pixels(enlarge_means(small, side)))
        return Finding(views={"grey": pictures})
