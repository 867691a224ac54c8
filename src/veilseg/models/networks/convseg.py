"""ConvSeg: the small convolutional encoder-decoder that works on the 4x4 grid of an image.

Few photographs serve a convolutional network far better than a vision transformer from scratch, so this is the
family of the default model. Its first layer is a patchify convolution (kernel = stride, no padding), which is what
key-invariant input (one sub-block of sorted values per kernel position) and model encryption [Kiya 2022]
both need. Its blocks are of ConvNeXt's kind (Liu et al., 2022). Nearly half of the work is done on the 4x4 grid: what
is thin is lost below.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from veilseg.errors import UsageError

GRID = 4  # pixels between neighbouring positions of the finest feature map
FINER = 2  # positions of the logits, each way, for one of that map: a pole is narrower than four pixels


class SeparableBlock(nn.Module):
    """A depthwise 5x5 convolution, then two pointwise ones with twice the channels between, around an identity."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(width, width, 5, padding=2, groups=width, bias=False)
        self.norm1 = nn.BatchNorm2d(width)
        self.widen = nn.Conv2d(width, 2 * width, 1)
        self.narrow = nn.Conv2d(2 * width, width, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(width)
        nn.init.zeros_(self.norm2.weight)  # starts as the identity: trains at a higher rate

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm1(self.depthwise(x))
        return x + self.norm2(self.narrow(F.relu(self.widen(y))))  # type: ignore[no-any-return]


def _stage(before: int, width: int, depth: int) -> nn.Sequential:
    # Padding makes odd sides legal: ceil(size / 2), so that the input may be any multiple of the patch.
    down = [nn.Conv2d(before, width, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
    return nn.Sequential(*down, *[SeparableBlock(width) for _ in range(depth)])


class ConvSeg(nn.Module):
    """Encoder of four levels (strides 4 to 32), decoder with skip connections, logits at the input's size.

    Args:
        num_classes: number of classes K.
        patch: kernel and stride of the first convolution, in pixels: the sub-block (4, 8, 16, ...) where what is sent
            is made by sub-blocks alone (sort, quartiles, mosaic), 4 for plain and for shuffled images.
        widths: channels of the four levels.
        depths: blocks of the four levels.
        decoder_width: channels of the decoder.
        stem_block: pixels for which `widen_patch` rewrites the first convolution; None: it stays.

    No statistics of the pixels are needed: batch normalization follows the first convolution, which is linear, so
    the network takes raw pixel values (0..255) and its training does not depend on their mean or scale.
    """

    def __init__(
        self,
        num_classes: int,
        patch: int = 4,
        widths: Sequence[int] = (64, 128, 192, 256),
        depths: Sequence[int] = (2, 2, 2, 2),
        decoder_width: int = 64,
        stem_block: int | None = None,
    ) -> None:
        super().__init__()
        if patch < 1 or patch % GRID:
            raise UsageError(f"ConvSeg has no patch of {patch} pixels", f"use a multiple of {GRID}")
        # A wide patch holds as much per 4x4 position as a patch of 4 does: its channels are spread by a pixel shuffle.
        finer = patch // GRID
        stem_width = 2 * widths[0] * finer
        self.patch = self.size_multiple = patch
        self.shuffle = _pixel_shuffle(1)  # see widen_patch
        self.stem = nn.Conv2d(3, stem_width, patch, stride=patch)
        _cosine_start(self.stem)
        self.embed = nn.Sequential(
            nn.BatchNorm2d(stem_width),  # brings the cosines of a sub-block, mean and spread, to one scale
            nn.Conv2d(stem_width, stem_width, 1, bias=False),
            nn.BatchNorm2d(stem_width),
            nn.ReLU(),
            nn.Conv2d(stem_width, widths[0] * finer**2, 1, bias=False),
            nn.BatchNorm2d(widths[0] * finer**2),
            nn.ReLU(),
            _pixel_shuffle(finer),
        )
        first = nn.Sequential(*[SeparableBlock(widths[0]) for _ in range(depths[0])])
        rest = [_stage(a, b, depth) for a, b, depth in zip(widths, widths[1:], depths[1:], strict=False)]
        self.stages = nn.ModuleList([first, *rest])
        self.lateral = nn.ModuleList([nn.Conv2d(width, decoder_width, 1) for width in widths])
        self.smooth = nn.ModuleList([SeparableBlock(decoder_width) for _ in widths[:-1]])
        self.head = nn.Sequential(nn.Conv2d(decoder_width, num_classes * FINER**2, 1), nn.PixelShuffle(FINER))
        if stem_block is not None:
            self.widen_patch(stem_block)

    @property
    def token_layer(self) -> nn.Module:
        """The layer whose output, float [N, C, H/32, W/32], says most about the scene: what distillation compares."""
        return self.stages[-1]

    def forward(self, images: Tensor) -> Tensor:
        """Class scores of raw pixels.

        Args:
            images: float [N, 3, H, W], raw values 0..255, sides multiples of the patch.

        Returns:
            float logits [N, K, H, W].
        """
        return _enlarge(self._scores(images), GRID // FINER)

    def forward_train(self, images: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Logits of every 2x2 pixels, [N, K, H/2, W/2], for a loss that needs no more; no auxiliary heads."""
        return self._scores(images), []

    def _scores(self, images: Tensor) -> Tensor:
        x = self.embed(self.shuffle(self.stem(images)))
        features = []
        for stage in self.stages:
            x = stage(x)
            features.append(x)
        y = self.lateral[-1](features[-1])
        for level in range(len(features) - 2, -1, -1):
            skip = self.lateral[level](features[level])
            # Twice the size, then cropped: position i of a level lies at 2i of the one below, whatever the size.
            y = self.smooth[level](skip + _enlarge(y, 2)[..., : skip.shape[-2], : skip.shape[-1]])
        return self.head(y)  # type: ignore[no-any-return]

    @torch.no_grad()
    def widen_patch(self, block: int) -> None:
        """Rewrite the first convolution, in place, for blocks of `block` pixels; what the network computes stays.

        A patchify convolution with patch p is, on a block of m x m patches, one linear map of the whole block: a
        convolution with kernel and stride m*p, m*m times the channels, and a pixel shuffle that puts the channels
        back on the finer grid. Model encryption needs it, because a key for the block mixes all of its pixels.

        Raises:
            UsageError: `block` is not a multiple of the patch, or the first convolution was rewritten before.
        """
        if isinstance(self.shuffle, nn.PixelShuffle) or block % self.patch:
            raise UsageError(
                f"a patch of {self.patch} pixels cannot be widened to a block of {block}",
                "use a block that is a multiple of the network's patch",
            )
        m, p, old = block // self.patch, self.patch, self.stem
        assert old.bias is not None
        width = old.out_channels
        weight = old.weight.new_zeros(
            width, m, m, 3, block, block
        )  # pixel shuffle reads channels as (width, row, column)
        for row in range(m):
            for column in range(m):
                weight[:, row, column, :, row * p : (row + 1) * p, column * p : (column + 1) * p] = old.weight
        stem = nn.Conv2d(3, width * m * m, block, stride=block).to(old.weight)
        stem.weight.copy_(weight.reshape(stem.weight.shape))
        stem.bias.copy_(old.bias.repeat_interleave(m * m))  # type: ignore[union-attr]
        self.stem, self.shuffle = stem, _pixel_shuffle(m)


def _pixel_shuffle(factor: int) -> nn.Module:
    """Nothing at all for a factor of 1: ONNX Runtime would copy the tensor, slowly."""
    return nn.PixelShuffle(factor) if factor > 1 else nn.Identity()


def _enlarge(x: Tensor, factor: int) -> Tensor:
    return F.interpolate(x, scale_factor=factor, mode="bilinear", align_corners=False)


@torch.no_grad()
def _cosine_start(stem: nn.Conv2d) -> None:
    """Start the first channels with the slowest cosines over each colour channel's values, in raster order.

    Of sorted values these are the mean, the spread, the skew, ...; random kernels would see little but the mean.
    """
    count = stem.kernel_size[0] * stem.kernel_size[1]
    place = (torch.arange(count) + 0.5) / count
    for channel in range(min(stem.out_channels, 3 * count)):
        frequency, colour = divmod(channel, 3)
        kernel = torch.zeros(3, count)
        kernel[colour] = torch.cos(torch.pi * frequency * place) / count**0.5
        stem.weight[channel] = kernel.reshape(stem.weight[channel].shape)
