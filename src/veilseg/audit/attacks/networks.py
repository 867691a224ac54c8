"""The networks of the learned attacks: features of sub-blocks in, a photograph out; and a GAN's critic."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F


class Inverse(nn.Module):
    """A picture from features of squares of `side` pixels: the enlarged grey means plus what the features tell.

    It begins as the thumbnail, since its last layers begin at zero. One of them is linear from the features straight to
    the pixels: that alone undoes every fixed permutation or rotation.
    """

    def __init__(self, features: int, side: int, width: int) -> None:
        super().__init__()
        hidden = 4 * width
        self.side = side
        self.direct = nn.Conv2d(features, 3 * side * side, 1)
        self.head = nn.Conv2d(features, hidden, 1)
        self.coarse = nn.ModuleList(Residual(hidden, nn.Tanh()) for _ in range(3))
        self.enlarge = nn.Sequential(nn.Conv2d(hidden, width * side * side // 4, 1), nn.PixelShuffle(max(1, side // 2)))
        self.fine = nn.Sequential(nn.Conv2d(width, width, 3, padding=1), nn.GELU())
        self.last = nn.Conv2d(width, 12, 3, padding=1)  # four pixels at once: half the resolution is half the work
        for layer in (self.direct, self.last):
            assert layer.bias is not None
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, features: Tensor, means: Tensor) -> Tensor:
        """Features float [N, C, h, w] and grey means float [N, 1, h, w], 0..1, to [N, 3, h * side, w * side]."""
        state = self.head(features)
        for block in self.coarse:
            state = block(state)
        detail = F.pixel_shuffle(self.last(self.fine(self.enlarge(state))), 2)
        base = F.interpolate(means, scale_factor=self.side, mode="bicubic", align_corners=False)
        return base + F.pixel_shuffle(self.direct(features), self.side) + detail


class Critic(nn.Module):
    """Real or made up, for every patch of some 30 pixels."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(3, width, 4, 2, 1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(width, 2 * width, 4, 2, 1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(2 * width, 4 * width, 4, 2, 1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(4 * width, 1, 3, 1, 1),
        )

    def forward(self, images: Tensor) -> Tensor:
        """Float [N, 3, H, W] to [N, 1, H / 8, W / 8]."""
        score: Tensor = self.layers(images - 0.5)
        return score


class Residual(nn.Module):
    """What two convolutions, and `after`, add to their input, float [N, width, h, w]."""

    def __init__(self, width: int, *after: nn.Module) -> None:
        super().__init__()
        self.inner = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1), nn.GELU(), nn.Conv2d(width, width, 3, padding=1), *after
        )

    def forward(self, state: Tensor) -> Tensor:
        """The same shape."""
        changed: Tensor = state + self.inner(state)
        return changed
