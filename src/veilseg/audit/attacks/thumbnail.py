"""thumbnail: means of sub-blocks survive every shuffle inside them; enlarged, they are a picture."""

from __future__ import annotations

from veilseg.audit.base import Attack, Evidence, Finding
from veilseg.audit.picture import as_pixels, enlarge_means, grey, means, visible


class Thumbnail(Attack):
    """Grey sub-block means, enlarged so that they stay what they are.

    Every cipher has blocks to average, even where their means say nothing.
    """

    name = "thumbnail"
    needs = "one encrypted image"
    cost = "one mean per sub-block"

    def run(self, evidence: Evidence) -> Finding:
        """One reconstruction. The mean over the channels needs no knowledge of their order."""
        side = evidence.cipher.spec.cell
        pictures = []
        for stored in evidence.encrypted:
            small = means(grey(visible(stored))[..., None], side)[..., 0]
            pictures.append(as_pixels(enlarge_means(small, side)))
        return Finding({"grey": pictures})
