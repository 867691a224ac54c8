"""rank-placement: the values of a sub-block are known, only their places are not; a smooth guess says which goes where.

The enlarged means say where a sub-block is lighter; there its lighter values are put. The picture that comes of it is
smoothed across the borders and gives the places anew, some times over. Derived here: nobody has published it for these
ciphers.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from veilseg.audit.base import Attack, Evidence, Finding, Pixels
from veilseg.audit.picture import as_pixels, enlarge_means, visible

ROUNDS = 30
SMOOTH = 1 / 6  # of a sub-block's side


class RankPlacement(Attack):
    """Grey, with the values of every sub-block where the surroundings want them."""

    name = "rank-placement"
    needs = "one encrypted image"
    cost = "the values of every sub-block sorted thirty times"
    mechanisms = ("sort", "shuffle", "quantiles")  # they keep more of a sub-block than a mean

    def run(self, evidence: Evidence) -> Finding:
        """Half values in their guessed places, half the enlarged means, since many places are wrong."""
        side = evidence.cipher.spec.cell
        found = [place_by_rank(known_greys(visible(stored), side), side) for stored in evidence.encrypted]
        return Finding({"grey": [as_pixels((placed + smooth) / 2) for smooth, placed in found]})


def known_greys(pixels: Pixels, side: int) -> NDArray[np.float64]:
    """The greys of every sub-block in rising order, [H / side, W / side, side**2], of uint8 [H, W, 3].

    Which values of the three channels belong together is not known: those that rise together are taken.
    """
    channels = [np.sort(squares(pixels[..., channel], side), axis=2) for channel in range(3)]
    return np.asarray(np.mean(channels, axis=0))


def place_by_rank(values: NDArray[np.float64], side: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Of greys as `known_greys` gives them the enlarged means and the values in their guessed places, [H, W] each."""
    from scipy.ndimage import gaussian_filter

    smooth = placed = enlarge_means(values.mean(axis=2), side)
    for _ in range(ROUNDS):
        placed = place(values, gaussian_filter(placed, SMOOTH * side), side)
    return smooth, placed


def place(values: NDArray[np.float64], guide: NDArray[np.float64], side: int) -> NDArray[np.float64]:
    """Every sub-block's rising `values` at the places of a picture [H, W] where its own values have the same rank."""
    order = np.argsort(squares(guide, side), axis=2, kind="stable")
    out = np.empty_like(values)
    np.put_along_axis(out, order, values, axis=2)
    rows, columns = values.shape[:2]
    return out.reshape(rows, columns, side, side).transpose(0, 2, 1, 3).reshape(rows * side, columns * side)


def squares(plane: NDArray[np.generic], side: int) -> NDArray[np.float64]:
    """[H, W] as the values of its sub-blocks, [H / side, W / side, side**2]."""
    rows, columns = (length // side for length in plane.shape)
    parts = plane.reshape(rows, side, columns, side).transpose(0, 2, 1, 3)
    return np.asarray(parts.reshape(rows, columns, side * side), np.float64)
