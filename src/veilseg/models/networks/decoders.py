"""SETR's decoders (Zheng et al., CVPR 2021) with the layers that OpenMMLab gives them: Naive, PUP and MLA.

Every decoder takes the four tapped maps [N, D, h, w] of the backbone and gives class scores [N, K, h', w'] at its own
resolution; `auxiliary` gives the scores of the auxiliary heads, which are for training only.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class ConvBlock(nn.Sequential):
    """Convolution without bias, batch norm, ReLU; the size of the map stays."""

    def __init__(self, inputs: int, outputs: int, kernel: int) -> None:
        conv = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=False)
        nn.init.kaiming_normal_(conv.weight, mode="fan_out", nonlinearity="relu")
        super().__init__(conv, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True))


class TokenNorm(nn.LayerNorm):
    """Layer norm over the channels of a map [N, D, h, w]; epsilon 1e-6."""

    def __init__(self, width: int) -> None:
        super().__init__(width, eps=1e-6)

    def forward(self, maps: Tensor) -> Tensor:
        return super().forward(maps.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class UpHead(nn.Module):
    """Layer norm, then `steps` times (convolution, norm, ReLU, upsampling by `scale`), then 1x1 to the classes."""

    def __init__(self, width: int, channels: int, num_classes: int, *, steps: int, scale: int, kernel: int) -> None:
        super().__init__()
        self.norm = TokenNorm(width)
        widths = [width] + [channels] * steps
        self.convs = nn.ModuleList(ConvBlock(widths[i], widths[i + 1], kernel) for i in range(steps))
        self.scale = scale
        self.classify = classifier(channels, num_classes)

    def forward(self, maps: Tensor) -> Tensor:
        maps = self.norm(maps)
        for conv in self.convs:
            maps = upsample(conv(maps), self.scale)
        scores: Tensor = self.classify(maps)
        return scores


class UpDecoder(nn.Module):
    """An `UpHead` on the last tap, and others (each convolution followed by upsampling by 4) on the other taps."""

    def __init__(
        self,
        width: int,
        channels: int,
        num_classes: int,
        taps: int,
        auxiliary_convs: int,
        *,
        steps: int,
        scale: int,
        kernel: int,
    ) -> None:
        super().__init__()
        self.head = UpHead(width, channels, num_classes, steps=steps, scale=scale, kernel=kernel)
        self.auxiliary_heads = nn.ModuleList(
            UpHead(width, channels, num_classes, steps=auxiliary_convs, scale=4, kernel=kernel) for _ in range(taps - 1)
        )

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        scores: Tensor = self.head(maps[-1])
        return scores

    def forward_train(self, maps: Sequence[Tensor]) -> tuple[Tensor, list[Tensor]]:
        return self(maps), [head(tap) for head, tap in zip(self.auxiliary_heads, maps, strict=False)]


class Naive(UpDecoder):
    """One 1x1 convolution and one upsampling by 4; auxiliary heads alike."""

    def __init__(self, width: int, num_classes: int, taps: int, channels: int = 256, auxiliary_convs: int = 1) -> None:
        super().__init__(width, channels, num_classes, taps, auxiliary_convs, steps=1, scale=4, kernel=1)


class PUP(UpDecoder):
    """Progressive upsampling: four 3x3 convolutions, each followed by upsampling by 2."""

    def __init__(self, width: int, num_classes: int, taps: int, channels: int = 256, auxiliary_convs: int = 1) -> None:
        super().__init__(width, channels, num_classes, taps, auxiliary_convs, steps=4, scale=2, kernel=3)


class MLA(nn.Module):
    """Multi-level aggregation.

    Every tap normed and reduced by 1x1, summed from the deepest tap up, 3x3; then per tap two 3x3 convolutions to
    half the channels and upsampling by 4, all side by side. Auxiliary heads: 1x1 on each level.
    """

    def __init__(self, width: int, num_classes: int, taps: int, channels: int = 256) -> None:
        super().__init__()
        half = channels // 2
        self.norms = nn.ModuleList(TokenNorm(width) for _ in range(taps))
        self.reduce = nn.ModuleList(ConvBlock(width, channels, 1) for _ in range(taps))
        # In the order of the sums: the deepest tap first, as OpenMMLab's neck numbers them.
        self.extract = nn.ModuleList(ConvBlock(channels, channels, 3) for _ in range(taps))
        self.refine = nn.ModuleList(
            nn.Sequential(ConvBlock(channels, half, 3), ConvBlock(half, half, 3)) for _ in range(taps)
        )
        self.classify = classifier(taps * half, num_classes)
        self.auxiliary_heads = nn.ModuleList(classifier(channels, num_classes) for _ in range(taps))

    def aggregate(self, maps: Sequence[Tensor]) -> list[Tensor]:
        """The neck: maps [N, channels, h, w] from the deepest tap to the first."""
        reduced = [conv(norm(tap)) for tap, norm, conv in zip(maps, self.norms, self.reduce, strict=True)][::-1]
        sums = [reduced[0]]
        for tap in reduced[1:]:
            sums.append(sums[-1] + tap)
        return [conv(total) for total, conv in zip(sums, self.extract, strict=True)]

    def decode(self, levels: Sequence[Tensor]) -> Tensor:
        """The head: scores from the neck's maps."""
        fine = [upsample(conv(level), 4) for level, conv in zip(levels, self.refine, strict=True)]
        scores: Tensor = self.classify(torch.cat(fine, dim=1))
        return scores

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        return self.decode(self.aggregate(maps))

    def forward_train(self, maps: Sequence[Tensor]) -> tuple[Tensor, list[Tensor]]:
        levels = self.aggregate(maps)
        return self.decode(levels), [head(level) for head, level in zip(self.auxiliary_heads, levels, strict=True)]


def classifier(channels: int, num_classes: int) -> nn.Conv2d:
    """The 1x1 convolution to class scores."""
    conv = nn.Conv2d(channels, num_classes, 1)
    nn.init.normal_(conv.weight, std=0.01)
    nn.init.zeros_(conv.bias)  # type: ignore[arg-type]
    return conv


def upsample(maps: Tensor, scale: int) -> Tensor:
    """Bilinear, by a whole factor, pixel centres aligned (align_corners=False)."""
    return F.interpolate(maps, scale_factor=float(scale), mode="bilinear", align_corners=False)


DECODERS: dict[str, type[Naive] | type[PUP] | type[MLA]] = {"naive": Naive, "pup": PUP, "mla": MLA}
