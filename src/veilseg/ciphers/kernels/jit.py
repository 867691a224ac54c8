"""How kernels are compiled: once per machine where a place to keep them can be found, else once per process."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba import njit


def jit(function: Callable[..., Any]) -> Any:
    """Compile on first use, without the GIL. numba keeps the result beside the source or in the user's cache folder.

    Where neither can be written (a read-only container without a home) numba refuses to cache; then nothing is kept.
    """
    try:
        return njit(cache=True, nogil=True)(function)
    except RuntimeError:
        return njit(nogil=True)(function)
