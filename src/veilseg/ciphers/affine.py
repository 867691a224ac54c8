"""Block ciphers that are one affine map for all blocks: how a block's stored values become its plain values again."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class AffineMap:
    """plain = ((stored - value_offset) * value_scale) @ matrix + plain_offset, for flattened blocks.

    This is all that model encryption needs to know.

    Attributes:
        matrix: float64 [L, L], invertible; the E_enc of [Kiya 2022], see docs/model-encryption.md.
        value_scale, value_offset, plain_offset: from stored values (0..255 or 0..65535) to those that are multiplied,
            and from these to plain values 0..255. A block has L = block * block * 3 values in the order channel, row,
            column.
    """

    matrix: Array
    value_scale: float = 1.0
    value_offset: float = 0.0
    plain_offset: float = 0.0

    def encrypt_embedding(self, embedding: Array, bias: Array) -> tuple[Array, Array]:
        """The patch embedding E [L, D] and bias [D] for stored values instead of plain ones: E_hat = M E.

        With plain = (v - value_offset) value_scale M + plain_offset: plain E + b = v E_hat + b_hat, in float64. E may
        be [n, L, D], of patches of n blocks, each of which is encrypted alike.
        """
        mixed = self.value_scale * (self.matrix @ embedding)
        return mixed, bias + self.plain_offset * _sum(embedding) - self.value_offset * _sum(mixed)

    def decrypt_embedding(self, mixed: Array, moved: Array) -> tuple[Array, Array]:
        """The way back from `encrypt_embedding`, for any invertible matrix."""
        embedding = np.asarray(np.linalg.solve(self.matrix, mixed) / self.value_scale, np.float64)
        return embedding, moved - self.plain_offset * _sum(embedding) + self.value_offset * _sum(mixed)


def _sum(embedding: Array) -> Array:
    """What all ones give: the sum over all axes but the last, float64 [D]."""
    return np.asarray(embedding.sum(axis=tuple(range(embedding.ndim - 1))), np.float64)
