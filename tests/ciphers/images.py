"""Images for the properties: sizes on the grid, few distinct values as often as many, so that ties occur."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st

SIZES = ((16, 4), (16, 8), (16, 16), (4, 2), (2, 2), (6, 3))


@dataclass(frozen=True)
class Case:
    pixels: np.ndarray
    block: int
    sub_block: int


def noise(seed: int, height: int, width: int, values: int = 256) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, values, (height, width, 3), dtype=np.uint8)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    block, sub_block = draw(st.sampled_from(SIZES))
    rows, columns = draw(st.integers(1, 2)), draw(st.integers(1, 2))
    values = draw(st.sampled_from((1, 2, 3, 256)))
    pixels = noise(draw(st.integers(0, 2**32 - 1)), rows * block, columns * block, values)
    kind = draw(st.sampled_from(("plain", "grey", "rolled")))
    if kind == "grey":  # all channels tie, and are arranged alike
        pixels[:] = pixels[:, :, :1]
    if kind == "rolled":  # channels tie, but are arranged differently
        inner = pixels[:sub_block, :sub_block].copy()
        tiled = np.tile(inner, (rows * block // sub_block, columns * block // sub_block, 1))
        pixels = np.stack([tiled[..., 0], tiled[::-1, :, 0], tiled[:, ::-1, draw(st.integers(0, 1))]], axis=-1)
        pixels = np.ascontiguousarray(pixels)
    return Case(pixels, block, sub_block)


def both_ways(compute: Callable[[], Any]) -> tuple[Any, Any]:
    """What the kernels make, and what plain NumPy makes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("VEILSEG_NO_NUMBA", raising=False)
        kernel = compute()
        patch.setenv("VEILSEG_NO_NUMBA", "1")
        return kernel, compute()
