"""Generated scenes as a dataset: "scenes:COUNT" or "scenes:COUNT:SEED"."""

from __future__ import annotations

from veilseg.data.base import SegmentationData
from veilseg.errors import UsageError


def open_scenes(where: str, split: str | None = None) -> SegmentationData:
    """Placeholder until the generator lands."""
    raise UsageError("generated scenes are not here yet")
