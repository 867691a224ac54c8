"""multi-frame: many encrypted frames of one still scene, from a camera that shakes, make one finer picture.

Where the camera moves by parts of a cell, cells lie elsewhere in the scene, and every frame has other means of it. The
picture that has all those means, and the frames' shifts with it, are found by back-projection [Irani 1991]; then the
values of every cell are put where that picture wants them, as rank-placement does with a single frame.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from veilseg.audit.attacks.rank_placement import known_greys, place
from veilseg.audit.base import Attack, Evidence, Finding
from veilseg.audit.picture import as_pixels, enlarge_means, grey, means, visible
from veilseg.ciphers import Cipher
from veilseg.steady import Shift, cubic

Plane = NDArray[np.floating]
"""A grey picture [H, W] or its cells' means [h, w], 0..255."""

SAME_SCENE = 0.5
"""From this correlation of their detail on, two frames show one scene."""

FARTHEST = 2
"""Cells that a scene may move between frames."""

ALIGNMENTS, ALIGNMENT_ROUNDS, MEAN_ROUNDS, RANK_ROUNDS = 8, 4, 24, 10
RANK_WEIGHT = 0.3
LONGEST_STEP = 0.5  # pixels by which a shift changes in a round
WHOLE = 0.99  # of a cell: what lies inside of the picture


@dataclass(frozen=True)
class CellSampling:
    """A frame's cells as they follow from the picture [H, W]: rows [h, H], columns [w, W]; inside: bool [h, w]."""

    rows: Plane
    columns: Plane
    inside: NDArray[np.bool_]

    def missing(self, picture: Plane, means: Plane) -> Plane:
        """What the frame's means have that the picture does not, [h, w]; nothing where a cell is not inside."""
        return np.where(self.inside, means - self.rows @ picture @ self.columns.T, 0)


class MultiFrame(Attack):
    """Grey, from all frames that show one scene."""

    name = "multi-frame"
    needs = "several encrypted frames of a still scene, from a camera that shakes"
    cost = "half a minute of one core for sixteen frames of 480 x 360 pixels"

    def fits(self, cipher: Cipher) -> bool:
        """Ciphers whose sub-blocks keep their means."""
        return cipher.facts.sub_blocks

    def run(self, evidence: Evidence) -> Finding:
        """One reconstruction. A picture whose scene no other one shows is what its means say.

        figures: `frames`, how many showed the scene of the first picture.
        """
        side = evidence.cipher.spec.cell
        ranked = evidence.cipher.facts.mechanism in ("sort", "shuffle")  # they keep all values of a cell
        shown = [visible(stored) for stored in evidence.encrypted]
        observed = [means(grey(one)[..., None], side)[..., 0].astype(np.float32) for one in shown]
        pictures: dict[int, Plane] = {}
        scenes = []
        while left := [index for index in range(len(shown)) if index not in pictures]:
            scene = same_scene(observed, left, side)
            frames = list(scene)
            scenes.append(len(frames))
            values = [known_greys(shown[index], side) for index in frames] if ranked else None
            picture, shifts = reconstruct([observed[i] for i in frames], [scene[i] for i in frames], side, values)
            pictures |= {index: move(picture, shift) for index, shift in zip(frames, shifts, strict=True)}
        made = [as_pixels(pictures[index]) for index in range(len(shown))]
        return Finding({"grey": made}, figures={"frames": scenes[0]})


def same_scene(observed: Sequence[Plane], left: Sequence[int], side: int) -> dict[int, Shift]:
    """Of the frames `left`, those that show what the first of them shows, with their shifts, roughly."""
    from scipy.ndimage import gaussian_filter
    from skimage.registration import phase_cross_correlation

    def detail(index: int) -> Plane:
        picture = enlarge_means(observed[index].astype(np.float64), side)
        return np.asarray(picture - gaussian_filter(picture, 2 * side), np.float32)

    first, found = detail(left[0]), {left[0]: (0.0, 0.0)}
    for index in left[1:]:
        if observed[index].shape == observed[left[0]].shape:
            other = detail(index)
            down, right = phase_cross_correlation(other, first, upsample_factor=4, normalization=None)[0]
            back = move(other, (-down, -right))
            likeness = float((back * first).sum() / np.sqrt((back**2).sum() * (first**2).sum() + 1e-9))
            if likeness > SAME_SCENE and max(abs(down), abs(right)) <= FARTHEST * side:
                found[index] = float(down), float(right)
    return found


def reconstruct(
    observed: Sequence[Plane], shifts: Sequence[Shift], side: int, values: Sequence[NDArray[np.float64]] | None
) -> tuple[Plane, list[Shift]]:
    """The picture [H, W] that K frames show together, in the first one's place, and the shifts [K] of all.

    Args:
        observed: the means of every frame's cells, [h, w].
        shifts: a first guess.
        side: of a cell.
        values: all greys of every frame's cells, [h, w, side**2]; None where only means are known.
    """
    moved = list(shifts)
    if len(observed) > 1:
        for _ in range(ALIGNMENTS):
            _, moved = back_project(_together(observed, moved, side), observed, moved, side, ALIGNMENT_ROUNDS, True)
    picture, _ = back_project(_together(observed, moved, side), observed, moved, side, MEAN_ROUNDS, False)
    if values is not None and len(observed) > 1:
        picture = _rank(picture, observed, moved, side, values)
    return picture, moved


def back_project(
    picture: Plane, observed: Sequence[Plane], shifts: Sequence[Shift], side: int, rounds: int, align: bool
) -> tuple[Plane, list[Shift]]:
    """`picture` changed until its cells, shifted, have the means observed; with Nesterov's momentum.

    align: shifts are changed with it, by Gauss and Newton; the first one stays.
    """
    moved = list(shifts)
    seen = [_sampling(shift, picture.shape, side) for shift in moved]
    ahead, weight = picture, 1.0
    for _ in range(rounds):
        change = np.zeros_like(picture)
        for index, sight in enumerate(observed):
            missing = seen[index].missing(ahead, sight)
            change += side * side * (seen[index].rows.T @ missing @ seen[index].columns)
            if align and index:
                moved[index] = _nearer(ahead, missing, moved[index], side)
                seen[index] = _sampling(moved[index], picture.shape, side)
        better = ahead + change / len(observed)
        following = (1 + np.sqrt(1 + 4 * weight**2)) / 2
        ahead, picture, weight = better + (weight - 1) / following * (better - picture), better, following
    return picture, moved


def _rank(
    picture: Plane, observed: Sequence[Plane], shifts: Sequence[Shift], side: int, values: Sequence[NDArray[np.float64]]
) -> Plane:
    """`picture` changed until its cells, shifted, have the values observed, wherever it is lighter and darker."""
    ones = np.ones((side, side), np.float32)
    for _ in range(RANK_ROUNDS):
        change = np.zeros_like(picture)
        for sight, shift, known in zip(observed, shifts, values, strict=True):
            there = _sampling(shift, picture.shape, side)
            seen = move(picture, shift)
            placed = place(known, seen.astype(np.float64), side).astype(np.float32)
            missing = np.kron(there.missing(picture, sight), ones) + np.float32(RANK_WEIGHT) * (placed - seen)
            change += move(missing * np.kron(there.inside, ones), (-shift[0], -shift[1]))
        picture = picture + change / np.float32(len(observed))
    return picture


def move(picture: Plane, shift: Shift) -> Plane:
    """The scene `shift` further down and to the right; edges are repeated."""
    rows, columns = (_shifting(length, by, repeat=True) for length, by in zip(picture.shape, shift, strict=True))
    return rows @ picture @ columns.T


def _nearer(picture: Plane, missing: Plane, shift: Shift, side: int) -> Shift:
    """A shift under which less of a frame is missing: least squares on how the means change with it."""
    here = _sampling(shift, picture.shape, side)
    further, nearer = (_sampling((shift[0] + by, shift[1] + by), picture.shape, side) for by in (0.5, -0.5))
    inside = here.inside & further.inside & nearer.inside
    down = (further.rows - nearer.rows) @ picture @ here.columns.T
    right = here.rows @ picture @ (further.columns - nearer.columns).T
    step = np.linalg.lstsq(np.stack([down[inside], right[inside]], axis=1), missing[inside], rcond=None)[0]
    changes = np.clip(step, -LONGEST_STEP, LONGEST_STEP)
    return shift[0] + float(changes[0]), shift[1] + float(changes[1])


def _together(observed: Sequence[Plane], shifts: Sequence[Shift], side: int) -> Plane:
    """The mean of all frames, enlarged and shifted back."""
    pictures = [
        move(enlarge_means(one.astype(np.float64), side).astype(np.float32), (-down, -right))
        for one, (down, right) in zip(observed, shifts, strict=True)
    ]
    return np.asarray(np.mean(pictures, axis=0))


def _sampling(shift: Shift, shape: tuple[int, ...], side: int) -> CellSampling:
    """How the cells of a shifted picture [H, W] follow from it."""
    rows, columns = (
        _shifting(length, by, repeat=False).reshape(length // side, side, length).mean(axis=1)
        for length, by in zip(shape, shift, strict=True)
    )
    inside = np.outer(*(one.sum(axis=1) > WHOLE for one in (rows, columns)))
    return CellSampling(rows, columns, inside)


def _shifting(length: int, by: float, *, repeat: bool) -> Plane:
    """The matrix [L, L] that shifts a line by parts of a pixel, by cubic convolution.

    Beyond its edges the line is zero, or (repeat) what it is there.
    """
    whole = int(np.floor(-by))
    part = -by - whole
    matrix = np.zeros((length, length), np.float32)
    to = np.arange(length)
    for offset in (-1, 0, 1, 2):
        weight = cubic(abs(part - offset))
        wanted = to + whole + offset
        there = np.clip(wanted, 0, length - 1)
        np.add.at(matrix, (to, there), np.where(repeat | (wanted == there), weight, 0))
    return matrix
