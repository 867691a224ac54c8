"""Block ciphers that are one matrix for all blocks: how a block's stored values become its plain values again."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from veilseg.ciphers.permutation import permutation
from veilseg.ciphers.rotation import MIDDLE, rotation, rotation_scale
from veilseg.errors import UsageError
from veilseg.keys import Key

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class BlockTransform:
    """plain = ((stored - value_offset) * value_scale) @ matrix + plain_offset, for flattened blocks.

    plain: float [N, L], values 0..255, order (channel, row, column), L = block * block * 3; stored: the values of the
    encrypted block; matrix: float64 [L, L], the E_enc of [P2]. This is all that model encryption needs to know.
    """

    matrix: NDArray[np.float64]
    value_scale: float = 1.0
    value_offset: float = 0.0
    plain_offset: float = 0.0

    def lock(self, embedding: Array, bias: Array) -> tuple[Array, Array]:
        """The patch embedding E [L, D] and bias [D] for stored values instead of plain ones: E_hat = M E of [P2].

        With plain = (v - value_offset) value_scale M + plain_offset: plain E + b = v E_hat + b_hat, in float64.
        """
        mixed = self.value_scale * (self.matrix @ embedding)
        return mixed, bias + self.plain_offset * embedding.sum(axis=0) - self.value_offset * mixed.sum(axis=0)

    def unlock(self, mixed: Array, moved: Array) -> tuple[Array, Array]:
        """The inverse of `lock`. Both ciphers' matrices are orthogonal, so the inverse is the transpose."""
        embedding = self.matrix.T @ mixed / self.value_scale
        return embedding, moved - self.plain_offset * embedding.sum(axis=0) + self.value_offset * mixed.sum(axis=0)


def affine(name: str, key: Key, block: int) -> BlockTransform:
    """The transform of "patch-permutation" or "patch-rotation" under `key` for blocks of `block` pixels a side.

    Raises UsageError for other ciphers: they are not one matrix.
    """
    if name == "patch-permutation":
        order = permutation(key, block)
        matrix = np.zeros((len(order), len(order)))
        matrix[np.arange(len(order)), order] = 1.0  # stored[i] = plain[order[i]]
        return BlockTransform(matrix)
    if name == "patch-rotation":
        return BlockTransform(rotation(key, block), 1 / rotation_scale(block), MIDDLE, 127.5)
    hint = "patch-permutation and patch-rotation have one"
    raise UsageError(f"the cipher {name!r} has no matrix that a model could be encrypted with", hint)
