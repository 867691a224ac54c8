"""A network that was trained on encrypted photographs draws the photograph again [Ronneberger 2015].

It works on cells: what it knows of each goes in, their pixels come out. Fed with the cells' means alone it is the
control: what it lacks then is what the order statistics give away. Not one of the audit's attacks on a folder: it
learns for minutes from hundreds of photographs. bench/reconstruction.py measures it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from veilseg.audit.base import Pixels, Stored
from veilseg.audit.picture import as_pixels, grey
from veilseg.audit.readers.features import STEPS, cells
from veilseg.ciphers import Cipher

BATCH = 4
"""How many crops a step learns from."""
CELLS, LARGEST = 24, 240
"""Cells a side of a crop, an even number, at most; pixels at most."""
RATE = 2e-3
SSIM_WINDOW = 7
"""Pixels, as in scoring.compare."""
Features = NDArray[np.float32]


def all_values(cipher: Cipher, stored: Stored) -> Features:
    """Of every cell what the cipher sends, [h, w, 19], 0..1: sixteen steps of its sorted greys, its channels' means."""
    return np.asarray(cells(cipher, stored) / 255, np.float32)


def means_alone(cipher: Cipher, stored: Stored) -> Features:
    """The means of every cell's channels, [h, w, 3], 0..1: what a mosaic shows."""
    return np.asarray(cells(cipher, stored)[..., STEPS:] / 255, np.float32)


class UNet(nn.Module):
    """Grey pixels from cells of `side` pixels: their enlarged means, and what the network adds."""

    def __init__(self, features: int, side: int, width: int = 32) -> None:
        super().__init__()
        self.side = side
        self.head = nn.Conv2d(features, width, 3, padding=1)
        self.before = nn.Sequential(_Residual(width), _Residual(width))
        self.down = nn.Conv2d(width, 2 * width, 2, 2)
        self.below = nn.Sequential(_Residual(2 * width), _Residual(2 * width))
        self.up = nn.ConvTranspose2d(2 * width, width, 2, 2)
        self.after = nn.Sequential(nn.Conv2d(2 * width, 2 * width, 1), nn.GELU(), _Residual(2 * width))
        half = side // 2
        self.enlarge = nn.Sequential(nn.Conv2d(2 * width, 16 * half * half, 1), nn.PixelShuffle(half))
        self.fine = _Residual(16)
        self.last = nn.Conv2d(16, 4, 3, padding=1)  # four pixels at once
        nn.init.zeros_(self.last.weight)

    def forward(self, features: Tensor) -> Tensor:
        """Float [N, C, h, w] of even sides, the last three channels the means, to [N, 1, h side, w side]."""
        mean = features[:, -3:].mean(1, keepdim=True)
        base = F.interpolate(mean, scale_factor=self.side, mode="bicubic", align_corners=False)
        seen = self.before(self.head(features - mean))
        deep = self.up(self.below(self.down(seen)))
        state = self.after(torch.cat([seen, deep], 1))
        picture: Tensor = base + F.pixel_shuffle(self.last(self.fine(self.enlarge(state))), 2)
        return picture


class _Residual(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.inner = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1), nn.GELU(), nn.Conv2d(width, width, 3, padding=1)
        )

    def forward(self, state: Tensor) -> Tensor:
        changed: Tensor = state + self.inner(state)
        return changed


def train(
    cipher: Cipher,
    photographs: Sequence[Pixels],
    see: Callable[[Cipher, Stored], Features],
    *,
    steps: int,
    seed: int,
    progress: Callable[[int, float], None],
) -> UNet:
    """Learn from crops of photographs, uint8 [H, W, 3] of LARGEST a side and more, encrypted without a key.

    The loss is 1 - SSIM + L1; `progress` gets the step and the loss.
    """
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    side = cipher.spec.cell
    extent = min(CELLS, LARGEST // side // 2 * 2) * side
    network: UNet | None = None
    for step in range(steps):
        crops = [_crop(photographs[i], extent, rng) for i in rng.integers(len(photographs), size=BATCH).tolist()]
        inputs = _tensor([see(cipher, cipher.encrypt_pixels(crop, None, None)) for crop in crops])
        truth = torch.from_numpy(np.stack([grey(crop) for crop in crops])[:, None] / 255).float()
        if network is None:
            network = UNet(inputs.shape[1], side)
            optimizer = torch.optim.AdamW(network.parameters(), RATE)
            schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps, pct_start=0.1)
        made = network(inputs)
        loss = 1 - structural_similarity(made, truth) + F.l1_loss(made, truth)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        progress(step + 1, loss.item())
    assert network is not None
    return network.eval()


@torch.no_grad()
def draw(network: UNet, features: Features) -> Pixels:
    """The grey photograph of one encrypted image's cells [h, w, C]: uint8 [h side, w side, 3]."""
    height, width = features.shape[:2]
    even = np.pad(features, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    made = network(_tensor([even]))[0, 0].numpy() * 255
    return as_pixels(made[: height * network.side, : width * network.side])


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


def _crop(photograph: Pixels, extent: int, rng: np.random.Generator) -> Pixels:
    top, left = (int(rng.integers(length - extent + 1)) for length in photograph.shape[:2])
    crop = photograph[top : top + extent, left : left + extent]
    return np.ascontiguousarray(crop[:, ::-1] if rng.random() < 0.5 else crop)


def _tensor(features: Sequence[Features]) -> Tensor:
    return torch.from_numpy(np.stack(features)).permute(0, 3, 1, 2).float().contiguous()
