"""First layers that forget what a key could have changed (section 1.1), or all but means (section 1.2)."""

from __future__ import annotations

from itertools import pairwise, permutations

import torch
from torch import Tensor, nn

from veilseg.modelspec import REDUCING_CIPHERS, InputSpec


class CanonicalInput(nn.Module):
    """The canonical form C of section 1.1 as a layer without weights: [N, 3, H, W] uint8 in, the same out.

    Equal to `veilseg.ciphers.canonicalize` to the bit, for every option. H and W are multiples of `block`.
    Idempotent, so data that is canonical already passes unchanged; set `enabled = False` to save the time where that
    is known.
    """

    def __init__(self, block: int, sub_block: int, channels: str = "sub-block", shuffle: str = "channel") -> None:
        super().__init__()
        self.block, self.sub_block, self.channels, self.shuffle = block, sub_block, channels, shuffle
        self.enabled = True

    def forward(self, images: Tensor) -> Tensor:
        if not self.enabled:
            return images
        region = self.block if self.channels == "block" else self.sub_block
        regions = _cut(images, region, self.sub_block).to(torch.int32)
        named = self.channels == "none"
        if self.shuffle == "channel":
            result = regions.sort(dim=-1).values
            if not named:
                result = _take(result, _channel_order(result))
        elif named:
            result = _sort_pixels(regions)
        else:
            result = _canonical_shared(regions)
        return _join(result.to(images.dtype), images.shape, region, self.sub_block)

    def extra_repr(self) -> str:
        return f"block={self.block}, sub_block={self.sub_block}, channels={self.channels!r}, shuffle={self.shuffle!r}"


class _MeansInput(nn.Module):
    """Means of sub-blocks as a layer without weights: [N, 3, H, W] uint8 in, the same out, unless not `enabled`."""

    def __init__(self, sub_block: int) -> None:
        super().__init__()
        self.sub_block = sub_block
        self.enabled = True

    def forward(self, images: Tensor) -> Tensor:
        if not self.enabled:
            return images
        regions = self._reduce(_cut(images, self.sub_block, self.sub_block).to(torch.int64))
        return _join(regions.to(images.dtype), images.shape, self.sub_block, self.sub_block)

    def _reduce(self, regions: Tensor) -> Tensor:
        """What takes the place of the values int64 [regions, 3, 1, s*s]."""
        raise NotImplementedError

    def extra_repr(self) -> str:
        return f"sub_block={self.sub_block}"


class MosaicInput(_MeansInput):
    """The mosaic of section 1.2 as a layer: each sub-block's mean per channel, rounded; equal to `ciphers.mosaic`."""

    def _reduce(self, regions: Tensor) -> Tensor:
        return _means(regions).expand(regions.shape)


class QuartilesInput(_MeansInput):
    """Four means of every channel of a sub-block, as a layer; equal to `ciphers.quartiles`."""

    def _reduce(self, regions: Tensor) -> Tensor:
        regions = regions.sort(dim=-1).values
        for first, last in pairwise(quarter * self.sub_block**2 // 4 for quarter in range(5)):
            if first < last:  # but for sub-blocks of one pixel
                regions[..., first:last] = _means(regions[..., first:last])
        return _take(regions, _channel_order(regions))


def input_layer(spec: InputSpec) -> CanonicalInput | QuartilesInput | MosaicInput | None:
    """The first layer of a model that takes `spec`; None where images go into the network as they come."""
    if spec.canonical:
        assert spec.sub_block is not None
        assert spec.channels is not None
        assert spec.shuffle is not None
        return CanonicalInput(spec.block, spec.sub_block, spec.channels, spec.shuffle)
    if spec.cipher in REDUCING_CIPHERS:
        assert spec.sub_block is not None
        return (MosaicInput if spec.cipher == "mosaic" else QuartilesInput)(spec.sub_block)
    return None


def _means(values: Tensor) -> Tensor:
    """The mean over the last axis, kept, in whole numbers, halves up."""
    count = values.shape[-1]
    return (2 * values.sum(dim=-1, keepdim=True) + count) // (2 * count)


def _cut(images: Tensor, region: int, sub_block: int) -> Tensor:
    """[N, 3, H, W] as [regions, 3, sub-blocks, s*s], sub-blocks and pixels in raster order."""
    count, planes, height, width = images.shape
    inner = region // sub_block
    grid = images.reshape(count, planes, height // region, inner, sub_block, width // region, inner, sub_block)
    return grid.permute(0, 2, 5, 1, 3, 6, 4, 7).reshape(-1, planes, inner * inner, sub_block * sub_block)


def _join(regions: Tensor, shape: torch.Size, region: int, sub_block: int) -> Tensor:
    """The inverse of `_cut`."""
    count, planes, height, width = shape
    inner = region // sub_block
    grid = regions.reshape(count, height // region, width // region, planes, inner, inner, sub_block, sub_block)
    return grid.permute(0, 3, 1, 4, 6, 2, 5, 7).reshape(shape)


def _take(regions: Tensor, order: Tensor) -> Tensor:
    """`regions` with the channels in `order` [regions, 3]."""
    return regions.gather(1, order[:, :, None, None].expand(regions.shape))


def _channel_order(ordered: Tensor) -> Tensor:
    """Order [regions, 3] of the channels of sorted [regions, 3, sub-blocks, s*s]: by sum, ties by the values."""
    values = ordered.flatten(2)
    keys = torch.cat([values.sum(dim=-1, keepdim=True, dtype=values.dtype), values], dim=-1)
    order = torch.arange(3, device=keys.device).repeat(len(keys), 1)
    for a, b in ((0, 1), (1, 2), (0, 1)):  # a sorting network for three
        swap = _less(keys[:, b], keys[:, a])[:, None]
        for table in (keys, order):
            first, second = table[:, a].clone(), table[:, b].clone()
            chosen = swap if table.dim() == 3 else swap[:, 0]
            table[:, a] = torch.where(chosen, second, first)
            table[:, b] = torch.where(chosen, first, second)
    return order


def _less(a: Tensor, b: Tensor) -> Tensor:
    """Row by row of [rows, values]: is a[i] lexicographically smaller than b[i]?"""
    # argmax of a boolean mask as uint8 gives the first position that differs; where none does, a < b is false there.
    first = (a != b).to(torch.uint8).argmax(dim=-1, keepdim=True)
    return (a.gather(1, first) < b.gather(1, first))[:, 0]


def _sort_pixels(regions: Tensor) -> Tensor:
    """Sort whole pixels (first, second, third channel) lexicographically inside every sub-block."""
    packed = (regions[:, 0] << 16 | regions[:, 1] << 8 | regions[:, 2]).sort(dim=-1).values
    return torch.stack([packed >> 16, packed >> 8 & 255, packed & 255], dim=1)


def _canonical_shared(regions: Tensor) -> Tensor:
    """Channels ordered by their sorted values, then whole pixels sorted.

    Channels with equal sorted values can be arranged differently: of all their orders the one with the smallest
    result (pixel after pixel) is canonical, else the form would depend on the key.
    """
    ordered = regions.sort(dim=-1).values
    order = _channel_order(ordered)
    regions, ordered = _take(regions, order), _take(ordered, order)
    result = _sort_pixels(regions)
    tied = (ordered[:, :-1] == ordered[:, 1:]).flatten(2).all(dim=2).any(dim=1).nonzero()[:, 0]
    for permutation in permutations(range(3)):
        swapped = list(permutation)
        candidates = tied[(ordered[tied][:, swapped] == ordered[tied]).flatten(1).all(dim=1)]
        attempt = _sort_pixels(regions[candidates][:, swapped])
        smaller = _less(_pixel_major(attempt), _pixel_major(result[candidates]))
        result[candidates[smaller]] = attempt[smaller]
    return result


def _pixel_major(regions: Tensor) -> Tensor:
    """[regions, 3, sub-blocks, s*s] as [regions, sub-blocks * s*s * 3]: the order in which results are compared."""
    return regions.permute(0, 2, 3, 1).flatten(1)
