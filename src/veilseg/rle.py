"""COCO's compressed run-length encoding of a mask."""

from __future__ import annotations

import numpy as np

_GROUPS = 6  # of five bits: enough for 100 million pixels, negative differences included


def encode_counts(mask: np.ndarray) -> str:
    """The `counts` of a mask, bool [H, W], as COCO's compressed RLE has them.

    Runs go down the columns and begin with the run of zeros (0 if there is none). From the fourth run on, what is
    stored is the difference to the run two places before. Each number is written in groups of five bits, least
    significant first, as characters from "0" on; the sixth bit says that more follow; the fifth is the sign.
    """
    flat = np.concatenate([[False], mask.ravel(order="F")])
    edges = np.flatnonzero(flat[1:] != flat[:-1])
    runs = np.diff(np.concatenate([[0], edges, [mask.size]])).astype(np.int64)
    runs[3:] -= runs[1:-2].copy()
    characters = np.zeros((len(runs), _GROUPS), np.uint8)  # 0: the number was at its end before
    unfinished = np.ones(len(runs), bool)
    for column in range(_GROUPS):
        group = runs & 31
        runs >>= 5
        more = runs != np.where(group & 16, -1, 0)
        characters[unfinished, column] = (48 + group + 32 * more)[unfinished]
        unfinished &= more
    return characters[characters > 0].tobytes().decode()
