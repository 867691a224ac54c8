"""A network that was trained on encrypted photographs draws the photograph again [Ronneberger 2015].

What is known of every cell goes in, and what the best attack without training makes of the picture; the network says
what is wrong with that. Fed with the cells' means alone it is the control: what it lacks then is what the order
statistics give away. Not one of the audit's attacks on a folder: it learns for minutes from a hundred photographs.
bench/reconstruction.py measures it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from veilseg.audit.attacks.networks import Residual
from veilseg.audit.attacks.rank_placement import known_greys, place_by_rank
from veilseg.audit.base import Pixels, Stored
from veilseg.audit.picture import as_pixels, enlarge_means, means, visible
from veilseg.ciphers import Cipher, canonical_cipher

BATCH = 4
"""How many crops a step learns from."""
CROP, MOST = 160, 24
"""The crops' side: pixels at most, but eight cells at least; cells at most. Of small pictures less."""
RATE = 2e-3
WIDTH, FINE = 48, 24
"""Channels of what is computed for every cell, and for every four pixels."""
STEPS = 16
"""Means of a cell's sorted greys, of equal parts of them."""
SSIM_WINDOW = 7
"""Pixels, as in scoring.compare."""
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Seen:
    """What a network is given of one picture of whole cells, h x w of `side` pixels; an even number both ways.

    Attributes:
        cells: float32 [C, h, w], 0..1; the last three are the means of the channels.
        pictures: float32 [P, h * side, w * side], around 0..1: greys that need no training; the network starts from
            their mean.
    """

    cells: Floats
    pictures: Floats


def all_values(cipher: Cipher, stored: Stored) -> Seen:
    """All that is sent: steps of the sorted greys, means; the values placed by rank beside the enlarged means.

    A shuffled picture is sorted first, as anybody can.
    """
    side = cipher.spec.cell
    pixels = canonical_cipher(cipher).reduce(visible(stored))
    values = known_greys(pixels, side)
    steps = np.stack([part.mean(axis=2) for part in np.array_split(values, min(STEPS, side * side), axis=2)])
    smooth, placed = place_by_rank(values, side)
    return _even(Seen(_floats([*steps, *means(pixels, side).transpose(2, 0, 1)]), _floats([placed, smooth])), side)


def means_alone(cipher: Cipher, stored: Stored) -> Seen:
    """The means of the cells' channels, and their mean enlarged."""
    side = cipher.spec.cell
    small = means(visible(stored), side)
    return _even(Seen(_floats(small.transpose(2, 0, 1)), _floats([enlarge_means(small.mean(axis=2), side)])), side)


class UNet(nn.Module):
    """Grey pixels from what is `Seen`, `cells` and `pictures` of them, with cells of `side` pixels, an even number."""

    def __init__(self, cells: int, pictures: int, side: int) -> None:
        super().__init__()
        width, fine, half = WIDTH, FINE, side // 2
        self.head = nn.Conv2d(cells, width, 3, padding=1)
        self.before = nn.Sequential(Residual(width), Residual(width))
        self.down = nn.Conv2d(width, 2 * width, 2, 2)
        self.below = nn.Sequential(Residual(2 * width), Residual(2 * width))
        self.up = nn.ConvTranspose2d(2 * width, width, 2, 2)
        self.after = nn.Sequential(nn.Conv2d(2 * width, 2 * width, 1), nn.GELU(), Residual(2 * width))
        self.enlarge = nn.Sequential(nn.Conv2d(2 * width, fine * half * half, 1), nn.PixelShuffle(half))
        self.look = nn.Conv2d(4 * pictures, fine, 3, padding=1)  # four pixels at once: a quarter of the work
        self.fine = nn.Sequential(Residual(fine), Residual(fine))
        self.last = nn.Conv2d(fine, 4, 3, padding=1)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)  # type: ignore[arg-type]

    def forward(self, cells: Tensor, pictures: Tensor) -> Tensor:
        """Float [N, C, h, w] and [N, P, h * side, w * side] to [N, 1, h * side, w * side]."""
        seen = self.before(self.head(cells - cells[:, -3:].mean(1, keepdim=True)))
        deep = self.up(self.below(self.down(seen)))
        state = self.enlarge(self.after(torch.cat([seen, deep], 1))) + self.look(F.pixel_unshuffle(pictures, 2))
        picture: Tensor = pictures.mean(1, keepdim=True) + F.pixel_shuffle(self.last(self.fine(state)), 2)
        return picture


def train(seen: Sequence[Seen], truths: Sequence[Floats], *, steps: int, seed: int) -> UNet:
    """Learn from crops of encrypted photographs, and of the photographs' greys, float32 [H, W], 0..1.

    The loss is 1 - SSIM + L1.
    """
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    side = seen[0].pictures.shape[1] // seen[0].cells.shape[1]
    size = min(max(8, min(MOST, CROP // side // 2 * 2)), *(extent for one in seen for extent in one.cells.shape[1:]))
    network = UNet(len(seen[0].cells), len(seen[0].pictures), side)
    optimizer = torch.optim.AdamW(network.parameters(), RATE)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps, pct_start=0.05)
    for _ in range(steps):
        crops = [_crop(seen[i], truths[i], size, side, rng) for i in rng.integers(len(seen), size=BATCH).tolist()]
        cells, pictures, truth = (torch.from_numpy(np.stack(parts)) for parts in zip(*crops, strict=True))
        made = network(cells, pictures)
        loss = 1 - structural_similarity(made, truth) + F.l1_loss(made, truth)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        schedule.step()
    return network.eval()


def _crop(seen: Seen, truth: Floats, size: int, side: int, rng: np.random.Generator) -> tuple[Floats, Floats, Floats]:
    """The same `size` cells a side of cells, pictures and truth [1, H, W], mirrored half of the time."""
    top, left = (int(rng.integers(length - size + 1)) for length in seen.cells.shape[1:])
    step = -1 if rng.random() < 0.5 else 1

    def cut(values: Floats, of: int) -> Floats:
        part = values[:, top * of : (top + size) * of, left * of : (left + size) * of]
        return np.ascontiguousarray(part[..., ::step])

    return cut(seen.cells, 1), cut(seen.pictures, side), cut(truth[None], side)


def _even(seen: Seen, side: int) -> Seen:
    """With the last row or column of cells once more where their number is odd."""
    odd = [length % 2 for length in seen.cells.shape[1:]]
    cells, pictures = (
        np.pad(values, ((0, 0), (0, odd[0] * of), (0, odd[1] * of)), mode="edge")
        for values, of in ((seen.cells, 1), (seen.pictures, side))
    )
    return Seen(cells, pictures)


def _floats(planes: Sequence[NDArray[np.float64]] | NDArray[np.float64]) -> Floats:
    return np.asarray(np.asarray(planes) / 255, np.float32)


@torch.no_grad()
def draw(network: UNet, seen: Seen) -> Pixels:
    """The grey photograph of one encrypted image, uint8 [H, W, 3], of an even number of cells."""
    made = network(torch.from_numpy(seen.cells)[None], torch.from_numpy(seen.pictures)[None])
    return as_pixels(made[0, 0].numpy() * 255)


def structural_similarity(made: Tensor, truth: Tensor) -> Tensor:
    """The mean SSIM of pictures [N, 1, H, W], 0..1, in windows of equal weight: scikit-image's, with a gradient."""

    def mean(values: Tensor) -> Tensor:
        return F.avg_pool2d(values, SSIM_WINDOW, 1)

    unbiased = SSIM_WINDOW**2 / (SSIM_WINDOW**2 - 1)
    a, b = mean(made), mean(truth)
    var_a, var_b = unbiased * (mean(made**2) - a**2), unbiased * (mean(truth**2) - b**2)
    both = unbiased * (mean(made * truth) - a * b)
    one, two = 0.01**2, 0.03**2
    return ((2 * a * b + one) * (2 * both + two) / ((a**2 + b**2 + one) * (var_a + var_b + two))).mean()
