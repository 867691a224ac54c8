"""A cipher from outside: every sub-block filled with the median of each channel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from veilseg import catalog
from veilseg.catalog import CipherFacts
from veilseg.ciphers import Cipher
from veilseg.ciphers.grid import cut_sub_blocks, join_sub_blocks
from veilseg.keys import Key

if TYPE_CHECKING:
    from torch import Tensor


class Median(Cipher):
    """Sends the lower median of each channel of every sub-block."""

    name = "median"

    def encrypt_pixels(self, pixels: NDArray[Any], key: Key | None, nonce: bytes | None) -> NDArray[Any]:
        return self.reduce(pixels)

    def reduce(self, pixels: NDArray[Any]) -> NDArray[Any]:
        values = np.sort(cut_sub_blocks(pixels, self.spec.cell), axis=-1)
        middle = values[..., (values.shape[-1] - 1) // 2, None].repeat(values.shape[-1], axis=-1)
        return join_sub_blocks(middle, pixels.shape, self.spec.cell)

    def reduce_tensor(self, images: Tensor) -> Tensor:
        s = self.spec.cell
        cells = images.unfold(2, s, s).unfold(3, s, s).flatten(-2)  # [N, 3, H / s, W / s, s * s]
        middle = cells.median(dim=-1).values  # torch's is the lower one as well
        return middle.repeat_interleave(s, dim=2).repeat_interleave(s, dim=3)


catalog.register(
    CipherFacts(
        name="median",
        family="reducing",
        mechanism="mean",
        key="none",
        summary="the median colour of every sub-block",
        visible="A mosaic of medians, {s} x {s} pixels.",
        implementation=f"{__name__}:Median",
        sub_blocks=True,
        training_input="median",
    )
)
