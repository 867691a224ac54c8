"""look: the encrypted image as it is, and its grey mean. Needs nothing but eyes."""

from __future__ import annotations

from veilseg.audit.base import Attack, Evidence, Finding
from veilseg.audit.picture import as_pixels, grey, visible


class Look(Attack):
    """Looking at the picture."""

    name = "look"
    needs = "one encrypted image"
    cost = "nothing"

    def run(self, evidence: Evidence) -> Finding:
        """Two reconstructions: as sent, and the mean of the channels."""
        shown = [visible(stored) for stored in evidence.encrypted]
        return Finding({"as sent": shown, "grey mean": [as_pixels(grey(pixels)) for pixels in shown]})
