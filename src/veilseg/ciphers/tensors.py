"""Blocks as torch operations on whole batches, on any device. Imported only where torch is at hand."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

if TYPE_CHECKING:
    from veilseg.ciphers.base import InputTransform


def cut(images: Tensor, side: int) -> Tensor:
    """[N, 3, H, W] as [squares, 3, side * side], squares and pixels in raster order."""
    count, planes, height, width = images.shape
    grid = images.reshape(count, planes, height // side, side, width // side, side)
    return grid.permute(0, 2, 4, 1, 3, 5).reshape(-1, planes, side * side)


def join(values: Tensor, images: Tensor, side: int) -> Tensor:
    """The inverse of `cut`: of the shape of `images`."""
    count, planes, height, width = images.shape
    grid = values.reshape(count, height // side, width // side, planes, side, side)
    return grid.permute(0, 3, 1, 4, 2, 5).reshape(images.shape)


def permuted(order: NDArray[np.int64], block: int) -> InputTransform:
    """What training sees where one key permutes every block alike: b_hat = b[order], int64 [3 * block * block]."""
    return partial(_permuted, order=torch.tensor(order), block=block)


def exchanged(chosen: NDArray[np.bool_], table: NDArray[Any], block: int) -> InputTransform:
    """What training sees where the values at chosen positions of every block become table[value].

    chosen: bool [3 * block * block]. Stored values of 16 bits come out as int32, which every device knows.
    """
    kind = torch.uint8 if table.dtype == np.uint8 else torch.int32
    known = torch.from_numpy(table.astype(np.int64)).to(kind)
    return partial(_exchanged, chosen=torch.tensor(chosen), table=known, block=block)


def _permuted(images: Tensor, seeds: Sequence[int], *, order: Tensor, block: int) -> Tensor:
    return join(cut(images, block).flatten(1)[:, order.to(images.device)], images, block)


def _exchanged(images: Tensor, seeds: Sequence[int], *, chosen: Tensor, table: Tensor, block: int) -> Tensor:
    blocks = cut(images, block).flatten(1)
    other = table.to(images.device)[blocks.long()]
    return join(torch.where(chosen.to(images.device), other, blocks.to(table.dtype)), images, block)
